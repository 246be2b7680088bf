import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { parseSigningRequest, type SigningRequest } from "../../pki/certificate-signing-request.ts";
import type { AskedNames } from "./csr-plan.ts";

/** The PKCS #10 inside; throws where it cannot be read, which the API server never lets in. */
export const pkcs10Of = ({ spec }: CertificateSigningRequest): SigningRequest =>
  parseSigningRequest(atob(spec.request));

export const askedNames = ({ subject, names, otherNames }: SigningRequest): AskedNames => ({
  ...subject,
  names,
  otherNames,
});
