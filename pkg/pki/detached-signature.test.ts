import { describe, expect, it } from "vitest";
import { isSignedBy, signDetached } from "./detached-signature.ts";

const content = "Hello from the other side. I must have called a thousand times.";
const by = { id: "joshua", secret: "my voice is my passcode" };

describe("a signature without its content", () => {
  it("is the one that kubeadm's own library makes", () => {
    expect(signDetached(content, by)).toBe(
      "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8",
    );
  });

  it("fits its content, its token and nothing else", () => {
    const signature = signDetached(content, by);
    expect(isSignedBy(signature, content, by)).toBe(true);
    expect(isSignedBy(signature, `${content} `, by)).toBe(false);
    expect(isSignedBy(signature, content, { ...by, secret: "x" })).toBe(false);
    expect(isSignedBy(signature, content, { ...by, id: "x" })).toBe(false);
    expect(isSignedBy("", content, by)).toBe(false);
  });
});
