// A DLL for Wine's crypt32, registered by run through the documented extension point CryptMsgDllImportKeyTrans.
// Decrypting a CMS message, Wine 8 knows no AES and forgets the initialization vector; Windows needs no such help.

#include <windows.h>

#include <wincrypt.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

struct Cipher {
    std::string_view oid;
    ALG_ID algorithm;
    DWORD block;  // bytes
};

constexpr Cipher ciphers[] = {
    {"2.16.840.1.101.3.4.1.2", CALG_AES_128, 16},
    {"2.16.840.1.101.3.4.1.22", CALG_AES_192, 16},
    {"2.16.840.1.101.3.4.1.42", CALG_AES_256, 16},
    {"1.2.840.113549.3.7", CALG_3DES, 8},
};

}  // namespace

extern "C" __declspec(dllexport) BOOL WINAPI
    CryptMsgDllImportKeyTrans(CRYPT_ALGORITHM_IDENTIFIER* content_encryption,
                              CMSG_CTRL_KEY_TRANS_DECRYPT_PARA* decryption, DWORD, void*, HCRYPTKEY* content_key) {
    const auto* cipher = std::find_if(std::begin(ciphers), std::end(ciphers),
                                      [&](const auto& known) { return known.oid == content_encryption->pszObjId; });
    // The vector is an OCTET STRING: two bytes, then itself.
    const auto& vector = content_encryption->Parameters;
    if (cipher == std::end(ciphers) || vector.cbData != cipher->block + 2) {
        SetLastError(static_cast<DWORD>(NTE_BAD_ALGID));
        return FALSE;
    }

    // CryptoAPI has big numbers the other way round.
    const auto& encrypted = decryption->pKeyTrans->EncryptedKey;
    std::vector<BYTE> key(encrypted.pbData, encrypted.pbData + encrypted.cbData);
    std::reverse(key.begin(), key.end());
    auto size = static_cast<DWORD>(key.size());
    HCRYPTKEY private_key = 0;
    if (!CryptGetUserKey(decryption->hCryptProv, decryption->dwKeySpec, &private_key)) return FALSE;
    const auto decrypted = CryptDecrypt(private_key, 0, TRUE, 0, key.data(), &size);
    CryptDestroyKey(private_key);
    if (!decrypted) return FALSE;

    const BLOBHEADER header{PLAINTEXTKEYBLOB, CUR_BLOB_VERSION, 0, cipher->algorithm};
    std::vector<BYTE> blob(sizeof header + sizeof size + size);
    std::memcpy(blob.data(), &header, sizeof header);
    std::memcpy(blob.data() + sizeof header, &size, sizeof size);
    std::memcpy(blob.data() + sizeof header + sizeof size, key.data(), size);
    return CryptImportKey(decryption->hCryptProv, blob.data(), static_cast<DWORD>(blob.size()), 0, 0, content_key) &&
           CryptSetKeyParam(*content_key, KP_IV, vector.pbData + 2, 0);
}
