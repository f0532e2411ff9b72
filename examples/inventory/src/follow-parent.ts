/** Loaded into what `npm start` forks: it ends with its parent, however that ends. */
process.on("disconnect", () => process.exit(1));
// Listening alone would keep the process alive after its shutdown.
process.channel?.unref();
