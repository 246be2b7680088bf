import { noDefaults, type LayerMember } from "./build-image.ts";
import type { DebianImage } from "./debian-image.ts";
import { textMember } from "./debian-plan.ts";
import { plainEntry } from "./tar-writer.ts";

const accounts = [
  { name: "root", id: 0, home: "/root" },
  { name: "www-data", id: 33, home: "/var/www" },
  { name: "nobody", id: 65534, home: "/nonexistent" },
] as const;

/** Debian's busybox with all its names, and the C library: a shell to look around with. */
export const busyboxImage: DebianImage = {
  name: "busybox",
  layers: [["busybox"]],
  accounts,
  extra: [],
  config: { ...noDefaults, cmd: ["sh"] },
};

const folder = (path: string): LayerMember => ({
  entry: { ...plainEntry, path: `${path}/`, type: "directory", mode: 0o755 },
});

const link = (path: string, linkPath: string): LayerMember => ({
  entry: { ...plainEntry, path, linkPath, type: "symlink", mode: 0o777 },
});

const site = `server {
    listen 80;
    listen [::]:80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html;
    }
}
`;

const page = `<!DOCTYPE html>
<html>
<head><title>Welcome to nginx!</title></head>
<body>
<h1>Welcome to nginx!</h1>
<p>This server runs in a container, and its image was made from Debian's nginx package.</p>
</body>
</html>
`;

/**
 * nginx as docker.io has it: in the foreground, port 80, logs to the container's output, SIGQUIT
 * to stop gracefully. Busybox is there for a shell; the base layer is shared with its image.
 */
export const nginxImage: DebianImage = {
  name: "nginx",
  layers: [["busybox"], ["nginx", "nginx-common"]],
  accounts,
  extra: [
    folder("etc/nginx"),
    folder("etc/nginx/conf.d"),
    textMember("etc/nginx/conf.d/default.conf", site),
    folder("usr/share/nginx/html"),
    textMember("usr/share/nginx/html/index.html", page),
    folder("var/log/nginx"),
    // The server opens them by name: the links lead to its own output.
    link("var/log/nginx/access.log", "/dev/stdout"),
    link("var/log/nginx/error.log", "/dev/stderr"),
  ],
  config: {
    ...noDefaults,
    cmd: ["nginx", "-g", "daemon off;"],
    exposedPorts: ["80/tcp"],
    stopSignal: "SIGQUIT",
  },
};
