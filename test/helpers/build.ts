import { execFileSync } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(__dirname, "../..");

/** The forked processes of the tests run what is built. */
export default function build(): void {
  execFileSync("npm", ["run", "build", "--silent"], { cwd: ROOT, stdio: "inherit" });
}
