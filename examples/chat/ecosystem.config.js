module.exports = {
  apps: [
    {
      name: "chat",
      script: "./worker.js",
      cwd: __dirname,
      exec_mode: "cluster",
      // Enough for the tabs to be on different workers; on a server "max", one for each core.
      instances: 3,
      // The public port of the app.
      port: Number(process.env.PORT ?? 8080),
    },
  ],
};
