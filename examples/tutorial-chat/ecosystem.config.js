module.exports = {
  apps: [{ name: "tutorial-chat", script: "./server.js", cwd: __dirname, instances: 3, sticky: true }],
};
