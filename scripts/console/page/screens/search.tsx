/** Finds anything by its id. */
import type { JSX } from "preact";
import type { Query } from "../../contract";
import { Empty, Filter, Loaded, Unread } from "../components/parts";
import { useLive } from "../live";

export function Search({ query: { q = "" } }: { readonly query: Query }): JSX.Element {
  const live = useLive("search", { q });
  return (
    <>
      <div class="tools">
        <Filter label="Any id" name="q" value={q} />
      </div>
      <Loaded live={live}>
        {({ results, unread }) => (
          <>
            <Unread reasons={unread} />
            {results.length === 0 ? (
              <Empty>The id of a monitor, timer, schedule, export, message, task, request or function.</Empty>
            ) : (
              <ul class="rows cards">
                {results.map(({ kind, title, detail, href }) => (
                  <li key={`${kind} ${title} ${href}`}>
                    <span class="kind calm">{kind}</span>
                    <div class="line">
                      <a href={href}>{title}</a>
                      <span class="detail">{detail}</span>
                    </div>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
