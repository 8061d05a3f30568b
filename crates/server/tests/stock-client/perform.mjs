// Asks the stagehand for the script, plays it, and reports how it went.

import { play } from "./scenario.mjs";

export async function perform(io, stagehand) {
  const script = await (await fetch(`${stagehand}/script`)).json();
  const restart = async () => {
    const done = await fetch(`${stagehand}/restart`, { method: "POST" });
    if (!done.ok) throw new Error(`the restart failed: ${done.status}`);
  };
  let failure = "";
  try {
    await play(io, script, restart);
  } catch (error) {
    failure = `${error.message}\n${error.stack}`;
  }
  await fetch(`${stagehand}/result`, { method: "POST", body: failure });
}
