/** An app that does nothing, for `pm2 start` and `pm2 delete`. */
setInterval(() => {}, 3_600_000);
