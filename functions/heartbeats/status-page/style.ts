/**
 * The status page's style sheet, for phones and desktops, light and dark. States differ in colour, icon, label and bar shape. Text
 * has a contrast of at least 4.5 to 1, bars and lines of 3 to 1.
 *
 * Bars are a whole number of pixels (3, 4, 6 or 8 per 10 SVG units), so that the gaps between them are even.
 */
export const STATUS_STYLE = `
:root{color-scheme:light dark;--paper:#faf8f3;--sheet:#fff;--ink:#26241f;--soft:#676257;--line:#e7e2d7;--link:#2f5d8a;
--up:#2f9468;--up-ink:#1a6a47;--up-tint:#e8f3ec;--down:#cc3a2f;--down-ink:#a92c22;--down-tint:#fbeae6;
--degraded:#b07700;--degraded-ink:#7d5500;--degraded-tint:#fbf1dc;
--maintenance:#5f72cb;--maintenance-ink:#4355ab;--maintenance-tint:#ebeefa;--unknown:#8a8478;--unknown-ink:#5f5a50;--unknown-tint:#f0ece3}
@media(prefers-color-scheme:dark){:root{--paper:#17181b;--sheet:#1f2125;--ink:#ebe8e1;--soft:#a9a599;--line:#33353b;--link:#93bce6;
--up:#45a67c;--up-ink:#7bcea6;--up-tint:#1a2b24;--down:#f0695c;--down-ink:#ff9d92;--down-tint:#38211f;
--degraded:#d9a53a;--degraded-ink:#f0c673;--degraded-tint:#332a18;
--maintenance:#8c9df0;--maintenance-ink:#b0bcf8;--maintenance-tint:#23273c;--unknown:#7f7b72;--unknown-ink:#b3afa4;--unknown-tint:#2a2b2f}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
body>header,main,body>footer{max-width:62rem;margin:0 auto;padding:0 15px}
body>header{padding-top:1.5rem;padding-bottom:1rem;color:var(--soft)}
body>header b{color:var(--ink);font-weight:600}
h1,h2,h3,p,ul,dl,dd{margin:0;padding:0}
ul{list-style:none}
h1,h2{font-family:ui-serif,"Iowan Old Style",Charter,Georgia,"DejaVu Serif",serif;font-weight:600;letter-spacing:-.01em;line-height:1.2}
h1{font-size:clamp(1.6rem,1.2rem + 2vw,2.25rem)}
h2{font-size:1.3rem;margin:2.5rem 0 .75rem}
h3{font-size:1.05rem;font-weight:600;overflow-wrap:anywhere;min-width:0}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:15px;top:8px;background:var(--sheet);padding:.4rem .8rem;z-index:2}
.icon{width:1.15em;height:1.15em;flex:none;vertical-align:-.2em}
.up{--state:var(--up);--state-ink:var(--up-ink);--tint:var(--up-tint)}
.down{--state:var(--down);--state-ink:var(--down-ink);--tint:var(--down-tint)}
.degraded{--state:var(--degraded);--state-ink:var(--degraded-ink);--tint:var(--degraded-tint)}
.maintenance{--state:var(--maintenance);--state-ink:var(--maintenance-ink);--tint:var(--maintenance-tint)}
.unknown,.stale .banner,.stale .monitor{--state:var(--unknown);--state-ink:var(--unknown-ink);--tint:var(--unknown-tint)}
.icon{color:var(--state)}
.banner{background:var(--tint);border-radius:14px;padding:clamp(1.1rem,3vw,2rem);border:1px solid color-mix(in srgb,var(--state) 35%,transparent)}
.banner h1{display:flex;gap:.5em;align-items:center;color:var(--state-ink)}
.banner ul{display:flex;flex-wrap:wrap;gap:.35rem 1.25rem;margin-top:.75rem}
.banner p{margin-top:.75rem;max-width:44rem}
.asof{color:var(--soft);font-size:.9rem}
.banner .asof{color:var(--state-ink);max-width:none}
.stale .fresh,:root:not(.stale) .old{display:none}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:14px;overflow:clip}
.sheet>li{padding:1rem 15px;border-top:1px solid var(--line)}
.sheet>li:first-child{border-top:0}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;color:var(--soft);font-size:.85rem;margin-bottom:.75rem}
.legend svg{display:inline-block;width:7px;height:16px;vertical-align:-3px;margin-right:.4rem}
.monitor{display:grid;gap:.3rem 2.5rem;grid-template-columns:minmax(0,1fr);scroll-margin-top:1rem}
.monitor:target{background:var(--tint)}
.head{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;align-items:center}
.head h3{display:flex;gap:.5rem;align-items:center}
.state{color:var(--state-ink);font-size:.9rem}
.state b{font-weight:600}
.stale .state b::before{content:"last known: "}
.message{color:var(--down-ink);overflow-wrap:anywhere;unicode-bidi:isolate;font-size:.9rem}
.bars{display:block;width:100%;height:32px;max-width:720px}
@media(min-width:300px){.bars{width:270px}}
@media(min-width:390px){.bars{width:360px}}
@media(min-width:600px){.bars{width:540px}}
.bars path{fill:none;stroke:var(--up)}
.bars .down{stroke:var(--down)}
.bars .degraded{stroke:var(--degraded)}
.bars .maintenance{stroke:var(--maintenance)}
.bars .none{stroke:var(--unknown)}
.bars .before{stroke:var(--unknown)}
.axis{display:flex;justify-content:space-between;font-size:.8rem;color:var(--soft);gap:1rem}
.history{width:max-content;max-width:100%}
.chart{display:block;width:100%;max-width:540px;height:32px;overflow:visible}
.chart path{fill:none;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.chart .band{fill:var(--link);opacity:.14}
.chart .p50{stroke:var(--link);stroke-width:2}
.chart .p95{stroke:var(--link);stroke-width:1.25;stroke-dasharray:2 3}
.facts div{display:flex;flex-direction:column;align-items:flex-start}
.facts{display:grid;grid-template-columns:repeat(4,auto);justify-content:space-between;gap:.2rem 1rem;margin-top:.35rem;max-width:540px}
.facts div:nth-child(n+5){grid-column:1/-1;flex-direction:row;gap:.6rem;align-items:baseline}
.facts dt{color:var(--soft);font-size:.8rem}
.facts .warn{color:var(--down-ink);font-weight:600}
details{font-size:.9rem;margin-top:.15rem}
summary{color:var(--soft);cursor:pointer;width:max-content;padding:.2rem 0}
summary:hover{color:var(--ink)}
h4{margin:0 0 .2rem;font-weight:400;color:var(--soft);font-size:1em}
.more{display:grid;gap:1rem 2.5rem;padding:.5rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse}
th,td{text-align:right;padding:.2rem 0 .2rem 1.25rem;white-space:nowrap;font-weight:400}
th{color:var(--soft)}
tbody th{text-align:left;padding-left:0}
tbody tr{border-top:1px solid var(--line)}
.days b{font-weight:600}
.incident{display:grid;gap:.1rem 1rem}
.incident.up .message{color:inherit}
.incident .when{color:var(--soft);font-size:.9rem}
.calm{color:var(--soft)}
body>footer{margin-top:2.5rem;padding-top:1.25rem;padding-bottom:3rem;color:var(--soft);font-size:.9rem;border-top:1px solid var(--line)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
#tip{position:absolute;z-index:3;pointer-events:none;background:var(--ink);color:var(--paper);font-size:.8rem;line-height:1.35;padding:.3rem .55rem;border-radius:6px;max-width:min(20rem,92vw)}
@media(max-width:599px){table{width:100%}th,td{padding-left:.5rem}.state{flex-basis:100%}.sheet{margin:0 -15px;border-width:1px 0;border-radius:0}}
@media(min-width:860px){
.monitor{grid-template-columns:540px minmax(0,1fr)}
.sheet>li{padding:1.1rem 1.5rem}
.head,.monitor>.message,.monitor>details{grid-column:1/-1}
.facts{grid-column:1}
.more{grid-template-columns:auto 1fr;align-items:start}
.facts{white-space:nowrap;grid-template-columns:repeat(4,auto) 1fr;justify-content:start;gap:.2rem 1.9rem}
.facts div:nth-child(n+5){grid-column:auto;flex-direction:column;gap:0}
.incident{grid-template-columns:12rem minmax(0,1fr);grid-template-rows:auto 1fr}
.incident .when{grid-row:1/3}}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media(forced-colors:active){.bars,.chart,.icon{forced-color-adjust:none}}
@media print{.skip,summary{display:none}}
`.replaceAll("\n", "");
