/** The example's worker as it is. */
import "./follow-parent.ts";
import "../worker.ts";

process.send?.({ port: null });
