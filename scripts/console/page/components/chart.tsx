/** A chart of latencies. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { LatencySeries } from "../../contract";

interface ChartProps {
  readonly title: string;
  readonly series: LatencySeries;
}

const HEIGHT = 200;

/** Latencies over time, on a canvas. What it shows is also its label. */
export function LatencyChart({ title, series }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = dataOf(series);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const colours = getComputedStyle(element);
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(element.clientWidth, colours), dataOf(series), element);
    };
    draw();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    return () => {
      scheme.removeEventListener("change", draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data);
  }, [series]);
  return <div class="plot" ref={box} role="img" aria-label={`${title}: ${describe(series)}`} />;
}

function dataOf({ at, p50, p95 }: LatencySeries): uPlot.AlignedData {
  return [[...at], [...p50], [...p95]];
}

function describe({ p50, p95 }: LatencySeries): string {
  const largest = (values: readonly (number | null)[]) => Math.max(0, ...values.map((value) => value ?? 0));
  return `${p50.length} points, median at most ${largest(p50)} ms, 95th percentile at most ${largest(p95)} ms`;
}

function optionsFor(width: number, colours: CSSStyleDeclaration): uPlot.Options {
  const colour = (name: string) => colours.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: (_, __, max) => [0, Math.max(10, max * 1.1)] } },
    axes: [axis, { ...axis, size: 56, values: (_, values) => values.map((value) => `${value} ms`) }],
    series: [
      { label: "Time" },
      { label: "p50", stroke: colour("--link"), width: 2, value: (_, value) => milliseconds(value) },
      { label: "p95", stroke: colour("--link"), width: 1.25, dash: [2, 3], value: (_, value) => milliseconds(value) },
    ],
  };
}

function milliseconds(value: number | null): string {
  return value === null ? "–" : `${value} ms`;
}
