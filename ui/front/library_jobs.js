// Changes of the library that were asked for: sent, and followed until they are done.

import { fetchJson, sendJson, t } from "./dom.js";

const POLL_MS = 400;
const ASKED_AT_ONCE = 100; // the server takes no more in one request
const followed = new Map(); // job_id → { onChange, resolve }
let timer = null;

// Follows a job that the server has accepted. `onChange` is called with each new state of it, also with `null` while
// the server cannot be reached. Gives the job at its end.
export function follow(job, onChange = () => {}) {
  onChange(job);
  if (job.state === "done") return Promise.resolve(job);
  return new Promise((resolve) => {
    followed.set(job.job_id, { onChange, resolve });
    if (timer === null) timer = setTimeout(look, POLL_MS / 2);
  });
}

async function look() {
  const ids = [...followed.keys()].slice(0, ASKED_AT_ONCE);
  try {
    const { jobs } = await fetchJson(`api/library/jobs?ids=${ids.join(",")}`);
    const known = new Map(jobs.map((job) => [job.job_id, job]));
    for (const id of ids) {
      // A server that was started anew knows nothing of what it was asked before.
      const gone = { job_id: id, state: "done", forgotten: true, problem: t("library.forgotten"), failures: [] };
      const job = known.get(id) || gone;
      const { onChange, resolve } = followed.get(id);
      onChange(job);
      if (job.state !== "done") continue;
      followed.delete(id);
      resolve(job);
    }
  } catch {
    followed.forEach(({ onChange }) => onChange(null));
  }
  timer = followed.size ? setTimeout(look, POLL_MS) : null;
}

export async function removeArticle(articleId) {
  return follow(await fetchJson(`api/library/articles/${articleId}`, { method: "DELETE" }));
}

export const sendText = (fields) => sendJson("POST", "api/library/text", fields);
export const sendAddress = (address) => sendJson("POST", "api/library/address", { address });

// Sends a file; `onSent` is called with the bytes that are on their way and all of them. Gives the accepted job.
export function sendFile(file, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot say how much has been sent
    request.open("POST", `api/library/files?name=${encodeURIComponent(file.name.toWellFormed?.() ?? file.name)}`);
    request.responseType = "json";
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onSent(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (request.status === 202) resolve(request.response);
      else reject(new Error(request.response?.error || t("page.no_answer")));
    });
    request.addEventListener("error", () => reject(new Error(t("library.not_sent"))));
    request.send(file);
  });
}
