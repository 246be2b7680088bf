import type { Admission } from "../admission/admission.ts";
import { mastersGroup, type Attributes } from "../auth-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { rbac, type Rbac } from "./rbac.ts";

/** One view of the rules for each server: it files bindings once, not for every write. */
const views = new WeakMap<Objects, Rbac>();

export function rbacView(objects: Objects): Rbac {
  const view = views.get(objects) ?? rbac(objects);
  views.set(objects, view);
  return view;
}

export type Asked = Pick<Attributes, "verb" | "apiGroup" | "resource" | "namespace" | "name">;

/** What an admission plugin asks about the caller beside the request itself: RBAC's answer. */
export async function callerMay(
  { user, objects, signal }: Pick<Admission, "user" | "objects" | "signal">,
  asked: Asked,
): Promise<boolean> {
  if (user.groups.includes(mastersGroup)) return true;
  const attributes: Attributes = {
    ...asked,
    user,
    resourceRequest: true,
    path: "",
    apiVersion: "v1",
    subresource: "",
  };
  return (await rbacView(objects).authorize(attributes, signal)).allowed;
}
