/** Devices whose credentials wait: for an enrolment, a trusted organisation, or a status. */
import { shortId } from './format.ts';
import { held } from './live.ts';
import { Age } from './parts.tsx';

export function HeldDevices() {
  if (held.value.length === 0) return null;
  return (
    <section aria-labelledby="held-heading">
      <h2 id="held-heading">
        Held devices <span class="count">{held.value.length}</span>
      </h2>
      <p class="quiet">
        What they sign is kept by their gateways and has no effect until the reason is gone.
      </p>
      <section class="table-frame" aria-label="Held devices">
        <table class="held">
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Gateway</th>
              <th scope="col">Reason</th>
              <th scope="col">Times</th>
              <th scope="col">Waiting for</th>
              <th scope="col">Last heard</th>
            </tr>
          </thead>
          <tbody>
            {held.value.map((one) => (
              <tr key={`${one.gateway} ${one.device}`}>
                <th scope="row">
                  <code title={one.device}>{shortId(one.device)}</code>
                </th>
                <td>
                  <code title={one.gateway}>{shortId(one.gateway)}</code>
                </td>
                <td>
                  {one.reason} <span class="second">{one.code}</span>
                </td>
                <td class="number">{one.count.toLocaleString('en-US')}</td>
                <td class="number">
                  <Age sinceMs={one.firstMs} />
                </td>
                <td class="number">
                  <Age sinceMs={one.lastMs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
