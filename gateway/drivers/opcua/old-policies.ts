/** Security policies that are known but refused, each with the sentence that says why. */

/** Why policies with SHA-1 or RSA PKCS #1 v1.5 are not offered, by their names. */
export const OLD_POLICIES: Readonly<Record<string, string>> = {
  Basic128Rsa15:
    'Basic128Rsa15 is refused: Node refuses RSA PKCS#1 v1.5 decryption (CVE-2023-46809), and its ' +
    'signatures use SHA-1, which can be forged',
  Basic256: 'Basic256 is refused: its signatures use SHA-1, which can be forged',
};
