import { runIn, type Machine } from "./machines.ts";

/**
 * What a machine loses when its power goes, without its address and its link: every process, what
 * was mounted or lay in /run, links, routes, the packet filter's tables, cgroups. Its process 1 and
 * the sleeper beside it stay: they hold its namespaces.
 */
const script = `
for round in 1 2 3; do
  for entry in /proc/[0-9]*; do
    pid=\${entry#/proc/}
    [ "$pid" = 1 ] || [ "$pid" = $$ ] && continue
    [ "$(tr '\\0' ' ' < $entry/cmdline 2>/dev/null)" = "sleep infinity " ] && continue
    kill -9 $pid 2>/dev/null
  done
done
while read -r _ _ _ _ at _; do echo "$at"; done < /proc/self/mountinfo |
  grep -E '^/(run|var/lib/tskube|var/log)/' | sort -r | while read -r at; do umount -l "$at"; done
rm -rf /run/* && mkdir -p /run/lock
nft flush ruleset
for link in $(ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\\1/'); do
  [ "$link" = lo ] || [ "$link" = eth0 ] || ip link delete "$link" 2>/dev/null
done
ip -4 route | grep ' proto ' | grep -v 'proto kernel' | while read -r to rest; do ip route delete "$to"; done
sysctl -qw net.ipv4.ip_forward=0
for round in 1 2 3 4 5 6 7 8 9 10; do
  find /sys/fs/cgroup -depth -mindepth 1 -type d -path '*tskube*' -exec rmdir {} + 2>/dev/null
  [ -z "$(find /sys/fs/cgroup -mindepth 1 -type d -path '*tskube*')" ] && break
  sleep 0.1
done
`;

/** Takes the machine's power, and gives it back: nothing runs on it that is not started again. */
export function rebootMachine(machine: Machine): void {
  runIn(machine, ["sh", "-c", script]);
}

/** The command that tsadm left for the time after a boot, as the machine's init would run it. */
export function startAfterBoot(machine: Machine, configFolder = "/etc/tskube"): void {
  const start = `exec setsid ${configFolder}/start-node </dev/null >>/var/log/tskube/node.log 2>&1`;
  runIn(machine, ["sh", "-c", `${start} &`]);
}
