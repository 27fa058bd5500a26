import type { Hosts } from '../test/lab/topologies';

/**
 * Sets the congestion control of both hosts: as their default, or else on all of their IPv4 routes,
 * because the default of a namespace must be one that every user may use, such as reno.
 */
export function setCongestionControl({ client, server }: Hosts, name: string): void {
  for (const host of [client, server]) {
    try {
      host.sysctl('net.ipv4.tcp_congestion_control', name);
    } catch {
      host.sysctl('net.ipv4.tcp_congestion_control', 'reno');
      setByRoutes(host, name);
    }
  }
}

function setByRoutes(host: Hosts['client'], name: string): void {
  const routes = host.exec('ip', ['-4', 'route', 'show', 'table', 'all']).split('\n');
  for (const route of routes) {
    if (!/ dev eth\d/.test(route) || /^(local|broadcast) /.test(route)) continue;
    host.ip('route', 'replace', ...route.trim().split(/\s+/), 'congctl', name);
  }
}
