// import_certificate CERTIFICATE [KEY]: puts a certificate (DER) with its private key (a PRIVATEKEYBLOB, which is
// `openssl rsa -outform MSBLOB`) into LocalMachine\My, as the guest agent does with its own. Without KEY it names a key
// of the computer that is not there. Wine's
// PFXImportCertStore would do it in one call, but leaves the key where no other process finds it. The key is in the
// user's container and not the computer's, because Wine looks for it there alone.

#include <windows.h>

#include <wincrypt.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

wchar_t provider_name[] = L"Microsoft Enhanced RSA and AES Cryptographic Provider";

std::vector<BYTE> content(const wchar_t* path) {
    std::ifstream file(std::filesystem::path(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

int fail(const char* what) {
    std::fprintf(stderr, "cannot %s: error %#lx\n", what, GetLastError());
    return 1;
}

int import_key(const wchar_t* container, const std::vector<BYTE>& key_blob) {
    HCRYPTPROV provider = 0;
    HCRYPTKEY key = 0;
    if (!CryptAcquireContextW(&provider, container, provider_name, PROV_RSA_AES, CRYPT_NEWKEYSET) &&
        !CryptAcquireContextW(&provider, container, provider_name, PROV_RSA_AES, 0)) {
        return fail("create a key container");
    }
    if (!CryptImportKey(provider, key_blob.data(), static_cast<DWORD>(key_blob.size()), 0, 0, &key)) {
        return fail("import the key");
    }
    CryptDestroyKey(key);
    CryptReleaseContext(provider, 0);
    return 0;
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
    if (argc != 2 && argc != 3) return 2;
    const bool has_key = argc == 3;
    const auto certificate_der = content(argv[1]);
    auto container = std::filesystem::path(argv[1]).stem().wstring();
    if (has_key) {
        if (const auto code = import_key(container.c_str(), content(argv[2])); code != 0) return code;
    }

    const auto certificate = CertCreateCertificateContext(X509_ASN_ENCODING, certificate_der.data(),
                                                          static_cast<DWORD>(certificate_der.size()));
    if (!certificate) return fail("read the certificate");
    CRYPT_KEY_PROV_INFO info{};
    info.pwszContainerName = container.data();
    info.dwFlags = has_key ? 0 : CRYPT_MACHINE_KEYSET;
    info.pwszProvName = provider_name;
    info.dwProvType = PROV_RSA_AES;
    info.dwKeySpec = AT_KEYEXCHANGE;
    if (!CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info)) {
        return fail("join certificate and key");
    }
    const auto store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"MY");
    if (!store || !CertAddCertificateContextToStore(store, certificate, CERT_STORE_ADD_REPLACE_EXISTING, nullptr)) {
        return fail("add the certificate to LocalMachine\\My");
    }
    return CertCloseStore(store, 0) ? 0 : fail("close LocalMachine\\My");
}
