/** /openapi/v2 and /openapi/v3: each document made when first asked for, and its bytes kept. */
import { createHash } from "node:crypto";
import type { ResourceRef } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import { openApiPath, openApiV2, openApiV3 } from "../../machinery/openapi.ts";
import {
  encodeOpenApiV2,
  openApiProtobufMediaType,
  openApiProtobufReturned,
} from "../../machinery/openapi-protobuf.ts";
import type { ApiRequest } from "../api-request.ts";
import { unknownPath } from "../refusals.ts";
import { answer, answerJson } from "../serve/answers.ts";

const v3Root = "/openapi/v3";

export class OpenApiDocuments {
  readonly #refs: readonly ResourceRef[];
  readonly #version: string;
  readonly #made = new Map<string, Uint8Array>();

  /** `version`: of the server, "v1.37.0". */
  constructor(refs: readonly ResourceRef[], version: string) {
    this.#refs = refs;
    this.#version = version;
  }

  /** Undefined: the path is not about OpenAPI. */
  answer(request: ApiRequest): WireResponse | undefined {
    const { path } = request.info;
    if (path === "/openapi/v2") return this.#answerV2(request);
    if (path === v3Root) return answerJson(this.#index());
    if (!path.startsWith(`${v3Root}/`)) return undefined;
    return this.#answerV3(path.slice(v3Root.length + 1));
  }

  #answerV2(request: ApiRequest): WireResponse {
    const accept = request.header("accept") ?? "";
    if (accept.includes(openApiProtobufMediaType)) {
      const bytes = this.#once("v2 protobuf", () => encodeOpenApiV2(this.#v2()));
      return answer(200, openApiProtobufReturned, bytes);
    }
    const bytes = this.#once("v2", () => Buffer.from(JSON.stringify(this.#v2())));
    return answer(200, "application/json", bytes);
  }

  #v2 = () => openApiV2(this.#refs, { version: this.#version });

  #answerV3(name: string): WireResponse {
    const refs = this.#refs.filter((ref) => openApiPath(ref) === name);
    if (refs.length === 0) throw unknownPath();
    const bytes = this.#once(name, () =>
      Buffer.from(JSON.stringify(openApiV3(refs, { version: this.#version }))),
    );
    return answer(200, "application/json", bytes);
  }

  #index(): object {
    const names = [...new Set(this.#refs.map(openApiPath))].sort();
    return {
      paths: Object.fromEntries(
        names.map((name) => [
          name,
          { serverRelativeURL: `${v3Root}/${name}?hash=${this.#hashOf(name)}` },
        ]),
      ),
    };
  }

  /** Changes when the document does: clients keep it as long as the hash is the same. */
  #hashOf(name: string): string {
    const kinds = this.#refs.filter((ref) => openApiPath(ref) === name);
    const text = JSON.stringify([this.#version, kinds]);
    return createHash("sha256").update(text).digest("hex").toUpperCase();
  }

  #once(name: string, make: () => Uint8Array): Uint8Array {
    const ready = this.#made.get(name) ?? make();
    this.#made.set(name, ready);
    return ready;
  }
}
