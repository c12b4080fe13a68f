// Reads a JSON list of Mermaid sources, parses each as GitHub's renderer would, prints a JSON list:
// {"error": …} or {"labels": [node labels after entities are decoded], "edges": number}.
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const results = [];
for (const source of JSON.parse(Buffer.concat(chunks).toString())) {
  try {
    await mermaid.parse(source);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(source);
    const { nodes, edges } = db.getData();
    results.push({
      labels: nodes.map((node) => node.label),
      links: nodes.filter((node) => node.link || node.haveCallback).length,
      edges: edges.length,
    });
  } catch (error) {
    results.push({ error: String(error.message ?? error) });
  }
}
process.stdout.write(JSON.stringify(results));
