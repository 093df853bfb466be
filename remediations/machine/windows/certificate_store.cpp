#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <charconv>
#include <cstddef>
#include <optional>

#include "remediations/machine/certificates.hpp"
#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/key_container.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine::windows {

namespace {

using Certificate = UniqueHandle<PCCERT_CONTEXT, &CertFreeCertificateContext>;
using Store = UniqueHandle<HCERTSTORE, [](HCERTSTORE store) { CertCloseStore(store, 0); }>;

constexpr DWORD largest_property = DWORD{1} << 20;

std::string store_name(const std::string& store) {
    return "certificate store LocalMachine\\" + store;
}

Result<Store> open_store(const std::string& store, DWORD access) {
    const auto name = to_wide_name(store);
    if (!name) return name.error();
    Store opened(CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                               CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_OPEN_EXISTING_FLAG | access,
                               name->c_str()));
    if (!opened) return last_error("open", store_name(store));
    return opened;
}

/// Writes changes to the registry at once, because closing the store cannot report a failure.
Result<void> commit(const Store& opened, const std::string& store) {
    if (!CertControlStore(opened.get(), 0, CERT_STORE_CTRL_COMMIT, nullptr)) {
        return last_error("save", store_name(store));
    }
    return {};
}

Result<Certificate> find(const Store& opened, const std::string& store, const std::string& thumbprint) {
    std::array<BYTE, 20> hash{};
    bool is_thumbprint = thumbprint.size() == 2 * hash.size();
    for (std::size_t i = 0; is_thumbprint && i < hash.size(); ++i) {
        const auto* digits = thumbprint.data() + 2 * i;
        is_thumbprint = std::from_chars(digits, digits + 2, hash[i], 16).ptr == digits + 2;
    }
    if (!is_thumbprint) {
        return Error::invalid("thumbprint \"" + thumbprint + "\" is not 40 hexadecimal digits");
    }
    CRYPT_HASH_BLOB blob{static_cast<DWORD>(hash.size()), hash.data()};
    Certificate certificate(
        CertFindCertificateInStore(opened.get(), X509_ASN_ENCODING, 0, CERT_FIND_SHA1_HASH, &blob, nullptr));
    if (!certificate) {
        return Error::not_found("no certificate " + thumbprint + " in " + store_name(store));
    }
    return certificate;
}

/// Returns a property of a certificate, aligned for any type; nullopt where it has none.
std::optional<std::vector<std::max_align_t>> property(PCCERT_CONTEXT certificate, DWORD id) {
    DWORD size = 0;
    if (!CertGetCertificateContextProperty(certificate, id, nullptr, &size) || size > largest_property) {
        return std::nullopt;
    }
    std::vector<std::max_align_t> value(size / sizeof(std::max_align_t) + 1);  // zeros behind it
    if (!CertGetCertificateContextProperty(certificate, id, value.data(), &size)) return std::nullopt;
    return value;
}

/// Returns the name in the form of PowerShell and of the certificate console.
std::string name_text(CERT_NAME_BLOB name) {
    constexpr DWORD format = CERT_X500_NAME_STR | CERT_NAME_STR_REVERSE_FLAG;
    const auto length = CertNameToStrW(X509_ASN_ENCODING, &name, format, nullptr, 0);
    std::wstring text(length, L'\0');
    CertNameToStrW(X509_ASN_ENCODING, &name, format, text.data(), length);
    return to_utf8(text.c_str());
}

StoredCertificate describe(PCCERT_CONTEXT certificate) {
    const auto& info = *certificate->pCertInfo;
    StoredCertificate stored;
    if (const auto hash = property(certificate, CERT_SHA1_HASH_PROP_ID)) {
        const auto* bytes = reinterpret_cast<const BYTE*>(hash->data());
        for (std::size_t index = 0; index < 20; ++index) stored.thumbprint += fmt::format("{:02X}", bytes[index]);
    }
    stored.subject = name_text(info.Subject);
    stored.issuer = name_text(info.Issuer);
    if (const auto name = property(certificate, CERT_FRIENDLY_NAME_PROP_ID)) {
        stored.friendly_name = to_utf8(reinterpret_cast<const wchar_t*>(name->data()));
    }
    stored.not_before = to_time_point(info.NotBefore);
    stored.not_after = to_time_point(info.NotAfter);
    if (const auto key = property(certificate, CERT_KEY_PROV_INFO_PROP_ID)) {
        stored.has_private_key = true;
        stored.key_file = key_file_of(*reinterpret_cast<const CRYPT_KEY_PROV_INFO*>(key->data()));
    }
    return stored;
}

class WindowsCertificateStore final : public CertificateStore {
public:
    Result<std::vector<StoredCertificate>> list(const std::string& store) const override {
        const auto opened = open_store(store, CERT_STORE_READONLY_FLAG);
        if (!opened) return opened.error();
        std::vector<StoredCertificate> certificates;
        // Each call takes the one before, and frees it.
        for (Certificate current;;) {
            current = Certificate(CertEnumCertificatesInStore(opened->get(), current.release()));
            if (!current) break;
            certificates.push_back(describe(current.get()));
        }
        std::ranges::sort(certificates, {}, &StoredCertificate::thumbprint);
        return certificates;
    }

    Result<std::string> serialized(const std::string& store, const std::string& thumbprint) const override {
        const auto opened = open_store(store, CERT_STORE_READONLY_FLAG);
        if (!opened) return opened.error();
        const auto certificate = find(*opened, store, thumbprint);
        if (!certificate) return certificate.error();
        DWORD size = 0;
        if (!CertSerializeCertificateStoreElement(certificate->get(), 0, nullptr, &size)) {
            return last_error("save certificate", thumbprint);
        }
        std::vector<BYTE> bytes(size);
        if (!CertSerializeCertificateStoreElement(certificate->get(), 0, bytes.data(), &size)) {
            return last_error("save certificate", thumbprint);
        }
        namespace base64 = boost::beast::detail::base64;
        std::string text(base64::encoded_size(size), '\0');
        text.resize(base64::encode(text.data(), bytes.data(), size));
        return text;
    }

    Result<void> add(const std::string& store, const std::string& serialized) override {
        namespace base64 = boost::beast::detail::base64;
        std::vector<BYTE> bytes(base64::decoded_size(serialized.size()));
        const auto [written, read] = base64::decode(bytes.data(), serialized.data(), serialized.size());
        if (serialized.empty() || serialized.find_first_not_of('=', read) != serialized.npos) {
            return Error::invalid("a saved certificate is not base64");
        }
        const auto opened = open_store(store, 0);
        if (!opened) return opened.error();
        if (!CertAddSerializedElementToStore(opened->get(), bytes.data(), static_cast<DWORD>(written),
                                             CERT_STORE_ADD_REPLACE_EXISTING, 0, CERT_STORE_CERTIFICATE_CONTEXT_FLAG,
                                             nullptr, nullptr)) {
            return last_error("put a saved certificate back into", store_name(store));
        }
        return commit(*opened, store);
    }

    Result<void> remove(const std::string& store, const std::string& thumbprint) override {
        const auto opened = open_store(store, 0);
        if (!opened) return opened.error();
        auto certificate = find(*opened, store, thumbprint);
        if (!certificate) return certificate.error();
        if (!CertDeleteCertificateFromStore(certificate->release())) {  // frees it in any case
            return last_error("remove", fmt::format("certificate {} from {}", thumbprint, store_name(store)));
        }
        return commit(*opened, store);
    }
};

}  // namespace

std::unique_ptr<CertificateStore> make_certificate_store() {
    return std::make_unique<WindowsCertificateStore>();
}

}  // namespace machine::windows
