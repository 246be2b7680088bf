/**
 * host:port out of what people write: a port that is missing is `defaultPort`. Undefined where it
 * is no host, no port, or more than both, as https://… is. Pure.
 */
export function parseEndpoint(text: string, defaultPort: number): string | undefined {
  const url = /[\s/?#@\\]/.test(text) ? null : URL.parse(`tcp://${text}`);
  if (url === null || url.hostname === "") return undefined;
  const port = url.port === "" ? defaultPort : Number(url.port);
  return port > 0 && !text.endsWith(":") ? `${url.hostname}:${port}` : undefined;
}
