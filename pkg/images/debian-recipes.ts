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

/**
 * Redis as docker.io has it, as far as a store of our examples needs it: the server in the
 * foreground, port 6379, its data in /data. The server is part of the tools' package; the server's
 * own brings its name and files for init systems, so that the tools' layer is a layer to share.
 */
export const redisImage: DebianImage = {
  name: "redis",
  layers: [["busybox"], ["redis-tools"], ["redis-server"]],
  accounts,
  extra: [folder("data")],
  config: {
    ...noDefaults,
    cmd: ["redis-server"],
    workingDir: "/data",
    exposedPorts: ["6379/tcp"],
  },
};

/**
 * The guestbook's page, run by busybox httpd for each request: adds what was posted to the list
 * `entries` of the Redis at $STORE, which redis-cli reaches with the password in $REDISCLI_AUTH,
 * and writes the list into the template $TEMPLATE. An entry is one line of HTML: it is escaped
 * before it is kept.
 */
const guestbookPage = `#!/bin/sh
set -u
store() { timeout 5 redis-cli -e -h "$STORE" "$@" 2> /dev/null; }
escaped() { sed -e 's/&/\\&amp;/g' -e 's/</\\&lt;/g' -e 's/>/\\&gt;/g' -e 's/"/\\&quot;/g'; }
answer() { printf 'Status: %s\\r\\n' "$1"; shift; printf '%s\\r\\n' "$@" ''; }
fail() { answer "$1" 'Content-Type: text/plain'; echo "$2"; exit; }

if [ "$REQUEST_METHOD" = POST ]; then
  [ "\${CONTENT_LENGTH:-0}" -le 4096 ] || fail '413 Content Too Large' 'an entry is too long'
  body=$(head -c "\${CONTENT_LENGTH:-0}")
  case $body in
    entry=?*) entry=$(httpd -d "\${body#entry=}" | tr '\\r\\n' '  ' | escaped) ;;
    *) fail '400 Bad Request' 'the form has one field: entry' ;;
  esac
  store RPUSH entries "$entry" > /dev/null || fail '503 Service Unavailable' 'the store is away'
  answer '303 See Other' 'Location: /'
  exit
fi

entries=$(store LRANGE entries 0 -1) || fail '503 Service Unavailable' 'the store is away'
answer '200 OK' 'Content-Type: text/html; charset=utf-8'
title=$(printf '%s' "$TITLE" | escaped)
while IFS= read -r line; do
  case $line in
    *@TITLE@*) printf '%s\\n' "\${line%%@TITLE@*}$title\${line#*@TITLE@}" ;;
    *@POD@*) printf '%s\\n' "\${line%%@POD@*}$HOSTNAME\${line#*@POD@}" ;;
    *@ENTRIES@*) [ -z "$entries" ] || printf '%s\\n' "$entries" | sed 's|.*|<li>&</li>|' ;;
    *) printf '%s\\n' "$line" ;;
  esac
done < "$TEMPLATE"
`;

const program = (path: string, text: string): LayerMember => {
  const { entry, content } = textMember(path, text);
  return { entry: { ...entry, mode: 0o755 }, content };
};

/** The front end of manifests/examples/guestbook: busybox httpd on port 8080, as nobody. */
export const guestbookImage: DebianImage = {
  name: "guestbook",
  layers: [["busybox"], ["redis-tools"], []],
  accounts,
  extra: [
    folder("srv"),
    folder("srv/www"),
    folder("srv/www/cgi-bin"),
    textMember("srv/www/healthz", "ok\n"),
    program("srv/www/cgi-bin/index.cgi", guestbookPage),
  ],
  config: {
    ...noDefaults,
    cmd: ["httpd", "-f", "-p", "8080", "-h", "/srv/www"],
    exposedPorts: ["8080/tcp"],
    user: "nobody",
    // It handles no signal, so as a first process it would ignore every other one.
    stopSignal: "SIGKILL",
  },
};
