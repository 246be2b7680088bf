/** Who a container's process is, from the image's /etc/passwd and /etc/group. Pure. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** Groups that name the user in /etc/group; whether they count is the caller's policy. */
  readonly memberOf: readonly number[];
  /** Home folder; "/" for a user that /etc/passwd does not know. */
  readonly home: string;
}

export interface AccountFiles {
  /** Text of /etc/passwd; empty when the image has none. */
  readonly passwd: string;
  readonly group: string;
}

/** The image or the pod names somebody whom the image's files do not know. */
export class UnknownUser extends Error {
  override readonly name = "UnknownUser";
}

const idMax = 2 ** 31 - 1;

const fields = (text: string): readonly (readonly string[])[] =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));

const idOf = (text: string): number | undefined => {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  return id !== undefined && id <= idMax ? id : undefined;
};

/**
 * Resolves "", "user", "uid", "user:group", "uid:gid". A number that /etc/passwd does not know is
 * itself with group 0; an unknown name is an error (Docker's rules, which images rely on).
 */
export function lookUpUser(spec: string, files: AccountFiles): ContainerUser {
  const [user = "", group = ""] = spec.split(":");
  const passwd = fields(files.passwd);
  const wanted = user === "" ? "0" : user;
  const byName = passwd.find(([name]) => name === wanted);
  const byId = passwd.find(([, , uid]) => uid === wanted);
  const account = byName ?? byId;
  const uid = idOf(account?.[2] ?? wanted);
  if (uid === undefined) throw new UnknownUser(`no user ${JSON.stringify(user)} in /etc/passwd`);
  const gid = group === "" ? (idOf(account?.[3] ?? "0") ?? 0) : lookUpGroup(group, files);
  return {
    uid,
    gid,
    memberOf: groupsOf(account?.[0], files.group),
    home: account?.[5] || "/",
  };
}

function lookUpGroup(wanted: string, { group }: AccountFiles): number {
  const groups = fields(group);
  const found = groups.find(([name]) => name === wanted);
  const gid = idOf(found?.[2] ?? wanted);
  if (gid === undefined) throw new UnknownUser(`no group ${JSON.stringify(wanted)} in /etc/group`);
  return gid;
}

function groupsOf(name: string | undefined, group: string): readonly number[] {
  if (name === undefined) return [];
  return fields(group)
    .filter(([, , , members = ""]) => members.split(",").includes(name))
    .flatMap(([, , gid = ""]) => idOf(gid) ?? []);
}
