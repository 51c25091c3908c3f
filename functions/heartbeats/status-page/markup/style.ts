/**
 * The status page's style sheet, for phones and desktops, light and dark. States differ in colour, icon, label and height of a bar. Text
 * has a contrast of at least 4.5 to 1, bars and lines of 3 to 1.
 *
 * Bars are a whole number of pixels apart (3, 4 or 5 per 10 SVG units), so that the gaps between them are even.
 */
import { BAR_HEIGHT, BAR_TOPS } from "./history-chart";
import { legibleOn } from "./legible";

/** Where links stand: sheet, paper and the tints of the states. */
const LIGHT_GROUNDS = ["#fff", "#faf8f3", "#e8f3ec", "#fbeae6", "#fbf1dc", "#ebeefa", "#f0ece3"];
const DARK_GROUNDS = ["#17181b", "#1f2125", "#1a2b24", "#38211f", "#332a18", "#23273c", "#2a2b2f"];

/** @param accent `#2f5d8a` */
export function statusStyle(accent?: string): string {
  const light = accent === undefined ? "#2f5d8a" : legibleOn(LIGHT_GROUNDS, accent);
  const dark = accent === undefined ? "#93bce6" : legibleOn(DARK_GROUNDS, accent);
  return STYLE.replace("--link:#light", `--accent:${accent ?? light};--link:${light}`)
    .replace("--link:#dark", `--accent:${accent ?? dark};--link:${dark}`)
    .replaceAll("\n", "");
}

const BARS = Object.entries(BAR_TOPS)
  .map(([band, top]) => `.bars .${band}{stroke-width:${BAR_HEIGHT - top}}`)
  .join("");

const STYLE = `
:root{color-scheme:light dark;--paper:#faf8f3;--sheet:#fff;--ink:#26241f;--soft:#676257;--line:#e7e2d7;--blank:#e4dfd3;--link:#light;
--up:#2f9468;--up-ink:#1a6a47;--up-tint:#e8f3ec;--down:#cc3a2f;--down-ink:#a92c22;--down-tint:#fbeae6;
--degraded:#b07700;--degraded-ink:#7d5500;--degraded-tint:#fbf1dc;
--maintenance:#5f72cb;--maintenance-ink:#4355ab;--maintenance-tint:#ebeefa;--unknown:#8a8478;--unknown-ink:#5f5a50;--unknown-tint:#f0ece3}
@media(prefers-color-scheme:dark){:root{--paper:#17181b;--sheet:#1f2125;--ink:#ebe8e1;--soft:#a9a599;--line:#33353b;--blank:#34363c;--link:#dark;
--up:#45a67c;--up-ink:#7bcea6;--up-tint:#1a2b24;--down:#f0695c;--down-ink:#ff9d92;--down-tint:#38211f;
--degraded:#d9a53a;--degraded-ink:#f0c673;--degraded-tint:#332a18;
--maintenance:#8c9df0;--maintenance-ink:#b0bcf8;--maintenance-tint:#23273c;--unknown:#7f7b72;--unknown-ink:#b3afa4;--unknown-tint:#2a2b2f}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;border-top:4px solid var(--accent);background:var(--paper);color:var(--ink);font:1rem/1.45 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
body>header,main,body>footer{max-width:64rem;margin:0 auto;padding:0 15px}
body>header{padding-top:1.25rem;padding-bottom:.9rem;color:var(--soft);display:flex;gap:.6rem;align-items:center}
body>header b{color:var(--ink);font-weight:650;font-size:1.15rem}
body>header a{display:inline-flex;gap:.6rem;align-items:center;text-decoration:none}
body>header a:hover b{text-decoration:underline;text-underline-offset:.2em}
h1,h2,h3,h4,p,ul,dl,dd{margin:0;padding:0}
ul,ol{list-style:none;margin:0;padding:0}
h1,h2{font-weight:650;letter-spacing:-.012em;line-height:1.2}
h1{font-size:clamp(1.35rem,1.1rem + 1.4vw,1.85rem)}
h2{font-size:1.15rem;margin:1.9rem 0 .6rem}
h3,h4{font-size:1rem;font-weight:600;overflow-wrap:break-word;hyphens:auto;min-width:0}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:15px;top:8px;background:var(--sheet);padding:.4rem .8rem;z-index:2}
.icon{width:1.1em;height:1.1em;flex:none;vertical-align:-.18em;color:var(--state)}
.up{--state:var(--up);--state-ink:var(--up-ink);--tint:var(--up-tint)}
.down{--state:var(--down);--state-ink:var(--down-ink);--tint:var(--down-tint)}
.degraded{--state:var(--degraded);--state-ink:var(--degraded-ink);--tint:var(--degraded-tint)}
.maintenance{--state:var(--maintenance);--state-ink:var(--maintenance-ink);--tint:var(--maintenance-tint)}
.unknown,.stale .banner,.stale .monitor{--state:var(--unknown);--state-ink:var(--unknown-ink);--tint:var(--unknown-tint)}
.banner{background:var(--tint);border-radius:12px;padding:clamp(.9rem,2.5vw,1.4rem) clamp(15px,2.5vw,1.5rem);border:1px solid color-mix(in srgb,var(--state) 35%,transparent)}
.banner h1{display:flex;gap:.5em;align-items:center;color:var(--state-ink)}
.banner ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin-top:.5rem}
.banner p{margin-top:.5rem;max-width:46rem}
.asof{font-size:.9rem}
.banner .asof{color:var(--soft);max-width:none}
.stale .fresh,:root:not(.stale) .old{display:none}
.bar{display:flex;flex-wrap:wrap;gap:0 1.5rem;align-items:baseline;justify-content:space-between}
.filter{display:flex;gap:1rem;align-items:center;font-size:.9rem;color:var(--soft);margin-bottom:.6rem}
.filter[hidden]{display:none}
.filter input[type=search]{font:inherit;color:var(--ink);background:var(--sheet);border:1px solid var(--unknown);border-radius:8px;padding:.3rem .6rem;width:11rem;min-height:32px}
.filter input[type=checkbox]{accent-color:var(--link);width:1.1rem;height:1.1rem;vertical-align:-.2rem}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:12px;overflow:clip}
.sheet>li{border-top:1px solid var(--line)}
.sheet>li:first-child{border-top:0}
.group{margin-bottom:.75rem}
.group>summary{display:flex;gap:.6rem;align-items:center;padding:.45rem 2px;cursor:pointer;list-style:none}
.group>summary .counts{flex:none;max-width:70%;color:var(--soft);font-size:.9rem}
summary::-webkit-details-marker{display:none}
.group>summary::before,.older>summary::before,.monitor summary::after{content:"";flex:none;width:.42rem;height:.42rem;border:solid var(--soft);border-width:0 1.5px 1.5px 0;transform:rotate(-45deg)}
.group[open]>summary::before,.older[open]>summary::before,.monitor details[open]>summary::after{transform:rotate(45deg)}
.monitor.hidden-by-filter,.group.hidden-by-filter{display:none}
.monitor summary{display:grid;grid-template-columns:auto minmax(0,1fr) auto auto;grid-template-areas:"icon name uptime fold" "bars bars bars bars";gap:.2rem .6rem;align-items:center;padding:.45rem 15px;cursor:pointer;list-style:none}
.monitor:not(.up) summary{grid-template-areas:"icon name uptime fold" ". state state state" "bars bars bars bars"}
.monitor summary:hover{background:var(--paper)}
.monitor summary>.icon{grid-area:icon}
.monitor summary>h3,.monitor summary>h4{grid-area:name;font-weight:500}
.monitor summary>.state{grid-area:state;color:var(--state-ink);font-size:.875rem}
.monitor summary>.uptime{grid-area:uptime;font-size:.9rem;color:var(--soft);min-width:4.7rem;text-align:right}
.monitor summary::after{grid-area:fold;margin:0 .1rem}
.monitor summary>.bars{grid-area:bars}
.monitor:not(.up)>details>summary{background:var(--tint)}
.state b{font-weight:600}
.stale .state b::before{content:"last known: "}
.monitor.up summary>.state,.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.message{color:var(--down-ink);overflow-wrap:anywhere;unicode-bidi:isolate;font-size:.9rem}
.bars{display:block;width:270px;height:22px;stroke-dasharray:7 3}
.bars path{fill:none}
${BARS}
.bars .up{stroke:var(--up)}
.bars .down{stroke:var(--down)}
.bars .degraded{stroke:var(--degraded)}
.bars .maintenance{stroke:var(--maintenance)}
.bars .none{stroke:var(--unknown)}
.bars .before{stroke:var(--blank)}
@media(min-width:390px){.bars{width:360px}}
.legend{display:flex;flex-wrap:wrap;gap:.15rem 1rem;color:var(--soft);font-size:.8rem;margin-top:.6rem}
.legend li:first-child{flex-basis:100%}
.legend svg.bars{display:inline-block;width:10px;height:14px;vertical-align:-2px;margin-right:.3rem}
.axis{display:flex;justify-content:space-between;font-size:.8rem;color:var(--soft);gap:1rem}
.chart{display:block;width:100%;height:44px;overflow:visible}
.chart path{fill:none;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.chart .band{fill:var(--link);opacity:.16}
.chart .p50{stroke:var(--link);stroke-width:2}
.more{display:grid;gap:.9rem 2.5rem;padding:.7rem 15px 1rem;font-size:.9rem;scroll-margin-top:5rem;grid-template-columns:minmax(0,1fr);border-top:1px dashed var(--line)}
.more:target{box-shadow:inset 3px 0 var(--link)}
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem}
.facts dt{color:var(--soft);font-size:.8rem}
.facts dt::first-letter{text-transform:uppercase}
.facts .warn{color:var(--down-ink);font-weight:600}
.days{margin-top:.6rem}
.days b{font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse}
th,td{text-align:right;padding:.2rem 0 .2rem 1.1rem;white-space:nowrap;font-weight:400}
th{color:var(--soft)}
tbody th{text-align:left;padding-left:0}
tbody tr{border-top:1px solid var(--line)}
.incident{display:grid;gap:.1rem 1rem;padding:.6rem 15px}
.incident h3{display:flex;gap:.4rem;align-items:baseline}
.incident h3 .icon{align-self:flex-start;margin-top:.18em}
.incident.up .message{color:inherit}
.incident .when{color:var(--soft);font-size:.9rem}
.incident .when time{white-space:nowrap}
.said{font-size:.9rem;border-left:3px solid var(--line);padding-left:.6rem;overflow-wrap:anywhere}
.said .when,.entry .when{color:var(--soft);font-size:.9rem}
.entry{display:grid;gap:.1rem 1rem;padding:.6rem 15px;white-space:pre-line;overflow-wrap:anywhere}
.sample{font-size:.75rem;font-weight:600;color:var(--maintenance-ink);background:var(--maintenance-tint);border-radius:4px;padding:.05rem .4rem;white-space:nowrap}
.older>summary{display:flex;gap:.6rem;align-items:center;color:var(--soft);cursor:pointer;list-style:none;width:max-content;padding:.6rem 2px}
.calm{color:var(--soft)}
.began{font-size:.9rem;margin-bottom:.5rem}
body>footer{margin-top:2rem;padding-bottom:2.5rem;color:var(--soft);font-size:.875rem}
body>footer p{border-top:1px solid var(--line);padding-top:1rem}
#tip{position:absolute;z-index:3;pointer-events:none;background:var(--ink);color:var(--paper);font-size:.8rem;line-height:1.35;padding:.3rem .55rem;border-radius:6px;max-width:min(20rem,92vw)}
@media(max-width:599px){table{width:100%;font-size:.8rem}th,td{padding-left:.35rem}.sheet{margin:0 -15px;border-width:1px 0;border-radius:0}}
@media(min-width:1000px){
.bars{width:450px;height:26px}
.monitor summary,.monitor:not(.up) summary{grid-template-columns:auto minmax(0,1fr) auto auto auto auto;grid-template-areas:"icon name state bars uptime fold";gap:0 .7rem;padding:.36rem 1.1rem}
.monitor summary>.state{white-space:nowrap}
.more{grid-template-columns:auto minmax(0,1fr);padding:.8rem 1.1rem 1.1rem}
.more>.wide{grid-column:1/-1}
.incident,.entry{grid-template-columns:minmax(0,14rem) minmax(0,1fr) auto;padding:.5rem 1.1rem;align-items:baseline}
.incident>.when,.entry>.when{grid-column:3}
.incident .message,.incident.maintenance>p:last-child,.entry>p:last-child{grid-area:1/2}
.incident .said{grid-column:1/-1}}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media(forced-colors:active){.bars,.chart,.icon{forced-color-adjust:none}}
@media print{.skip,.filter{display:none}}
`;
