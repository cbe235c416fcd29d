/** What the bench asks of a server, through its environment. */
export const options = process.env.RECOVERY === "on" ? { connectionStateRecovery: {} } : {};
