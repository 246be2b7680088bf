/** What starts the node's process when the machine has booted: a file, and systemd's unit. Pure. */

/** Runs the node's process in the foreground; what a machine without systemd calls at boot. */
export const startFileOf = (configFolder: string): string => `${configFolder}/start-node`;

/** What tsadm says of it. */
export const bootLine = (configFolder: string): string =>
  `[kubelet-start] ${startFileOf(configFolder)} starts it after a boot: systemd calls it, where it runs`;

export const unitName = "tskube-node.service";
export const unitFile = `/etc/systemd/system/${unitName}`;

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** A shell script that becomes the program. */
export const startFileText = (words: readonly string[]): string =>
  [
    "#!/bin/sh",
    "# Written by tsadm. Runs this machine as a node of its cluster: call it when the machine boots.",
    `exec ${words.map(quoted).join(" \\\n  ")}`,
    "",
  ].join("\n");

/**
 * The unit starts the process once a boot, and never again: the supervisor of the containers, which
 * it leaves behind, does that, and two who restart one process would get in each other's way.
 */
export const unitText = (startFile: string, log: string): string =>
  [
    "# Written by tsadm.",
    "[Unit]",
    "Description=tskube node: runtime, kubelet, pod network and service proxy",
    "Wants=network-online.target",
    "After=network-online.target",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${startFile}`,
    "# Containers and their supervisor outlive it.",
    "KillMode=process",
    "Restart=no",
    "TasksMax=infinity",
    "LimitNOFILE=1048576",
    `StandardOutput=append:${log}`,
    `StandardError=append:${log}`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
