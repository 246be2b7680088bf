/**
 * What `kubectl explain` says: our own short sentences for kinds and for the fields that people set
 * by hand. By message and field; "" is the message itself.
 */
export const prose: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
