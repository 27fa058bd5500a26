import type { Hosts } from '../test/lab/topologies';

/**
 * Gives all IPv4 routes of both hosts a congestion control. By the routes, because a namespace's
 * default can only be one that everybody is allowed to use.
 */
export function setCongestionControl({ client, server }: Hosts, name: string): void {
  for (const host of [client, server]) {
    const routes = host.exec('ip', ['-4', 'route', 'show', 'table', 'all']).split('\n');
    for (const route of routes) {
      if (!/ dev eth\d/.test(route) || /^(local|broadcast) /.test(route)) continue;
      host.ip('route', 'replace', ...route.trim().split(/\s+/), 'congctl', name);
    }
  }
}
