import type { Node } from "../../api/core/v1.ts";

const none: Readonly<Record<string, string>> = {};

export const nodeLabels = ({ metadata }: Node): Readonly<Record<string, string>> =>
  metadata?.labels ?? none;
