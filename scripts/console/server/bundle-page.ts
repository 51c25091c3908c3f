/** The page's files, bundled from their sources when the server starts. */
import { readFile } from "node:fs/promises";
import { statusStyle } from "../../../functions/heartbeats/status-page/markup/style";

/** Relative to the project. */
const PAGE = "scripts/console/page";
const PLOT_STYLE = "node_modules/uplot/dist/uPlot.min.css";

export interface PageFile {
  readonly type: string;
  readonly content: string;
}

/** By path. */
export async function bundlePage(): Promise<Readonly<Record<string, PageFile>>> {
  // Loaded late: the command line is one bundle, and this is a program.
  const { build } = await import("esbuild");
  const [{ outputFiles }, style, plotStyle] = await Promise.all([
    build({
      entryPoints: [`${PAGE}/main.tsx`],
      bundle: true,
      write: false,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "none",
      logLevel: "silent",
    }),
    readFile(`${PAGE}/console.css`, "utf8"),
    readFile(PLOT_STYLE, "utf8"),
  ]);
  return {
    "/": { type: "text/html; charset=utf-8", content: DOCUMENT },
    "/console.js": { type: "text/javascript; charset=utf-8", content: outputFiles[0]?.text ?? "" },
    "/console.css": { type: "text/css; charset=utf-8", content: `${statusStyle()}\n${plotStyle}\n${style}` },
  };
}

/** Its first paint needs no data. */
const DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Almanac console</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%232f5d8a'/%3E%3Cpath d='M8 4v4l3 2' fill='none' stroke='white' stroke-width='1.6'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/console.css">
<script type="module" src="/console.js"></script>
</head>
<body class="console"><div id="console"><header class="top"><b>Almanac</b></header></div><noscript>The console needs JavaScript. Without it: npx almanac --help</noscript></body>
</html>
`;
