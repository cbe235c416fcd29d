module.exports = {
  apps: [{ name: "single-process", script: "./server.js", cwd: __dirname, instances: 2, sticky: true }],
};
