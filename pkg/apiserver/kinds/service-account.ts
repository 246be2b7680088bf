import type { ServiceAccount } from "../../../api/core/v1.ts";
import { serviceAccounts as ref } from "../../../api/resources.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn } from "./columns.ts";

export const serviceAccounts: Resource<ServiceAccount> = {
  ref,
  storagePrefix: "/registry/serviceaccounts",
  nameRule: "dns-subdomain",
  columns: [nameColumn, ageColumn],
};
