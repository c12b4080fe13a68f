// Unpacks the Chromium that @sparticuz/chromium ships into the directory TMPDIR names (the package's own way to say where).
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";

const bin = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
for (const archive of ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"]) {
  await inflate(join(bin, archive));
}
process.stdout.write(join(tmpdir(), "chromium"));
