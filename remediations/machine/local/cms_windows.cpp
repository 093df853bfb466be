#include "remediations/machine/local/cms.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine::local {

using namespace machine::windows;

namespace {

using Bytes = std::vector<BYTE>;
using Message = UniqueHandle<HCRYPTMSG, &CryptMsgClose>;
using Certificate = UniqueHandle<PCCERT_CONTEXT, &CertFreeCertificateContext>;
using Store = UniqueHandle<HCERTSTORE, [](HCERTSTORE store) { CertCloseStore(store, 0); }>;

constexpr DWORD encoding = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;

Error damaged(std::string_view action) {
    auto error = last_error(action, "the CMS message");
    error.kind = ErrorKind::invalid;
    return error;
}

std::optional<Bytes> parse_thumbprint(const std::string& text) {
    Bytes bytes(20);
    if (text.size() != 2 * bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto* digits = text.data() + 2 * i;
        if (std::from_chars(digits, digits + 2, bytes[i], 16).ptr != digits + 2) return std::nullopt;
    }
    return bytes;
}

Result<Certificate> find_certificate(const std::string& thumbprint) {
    auto hash = parse_thumbprint(thumbprint);
    if (!hash) return Error::invalid("thumbprint \"" + thumbprint + "\" is not 40 hex digits");
    const Store store(CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                                    CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_READONLY_FLAG, L"MY"));
    if (!store) return last_error("open", "certificate store LocalMachine\\My");
    CRYPT_HASH_BLOB blob{static_cast<DWORD>(hash->size()), hash->data()};
    Certificate certificate(CertFindCertificateInStore(store.get(), encoding, 0, CERT_FIND_SHA1_HASH, &blob, nullptr));
    if (!certificate) {
        return Error::not_found("no certificate " + thumbprint + " in certificate store LocalMachine\\My");
    }
    return certificate;
}

/// The certificate's private key, of the old CryptoAPI or of CNG.
class PrivateKey {
public:
    static Result<PrivateKey> acquire(PCCERT_CONTEXT certificate, const std::string& thumbprint) {
        PrivateKey key;
        if (!CryptAcquireCertificatePrivateKey(certificate,
                                               CRYPT_ACQUIRE_ALLOW_NCRYPT_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG, nullptr,
                                               &key.handle_, &key.spec_, &key.must_free_)) {
            auto error = last_error("open the private key of certificate", thumbprint);
            error.kind = ErrorKind::not_found;
            return error;
        }
        return key;
    }
    PrivateKey(PrivateKey&& other) noexcept
        : handle_(other.handle_), spec_(other.spec_), must_free_(std::exchange(other.must_free_, FALSE)) {}
    PrivateKey& operator=(PrivateKey&&) = delete;
    ~PrivateKey() {
        if (!must_free_) return;
        if (spec_ == CERT_NCRYPT_KEY_SPEC) {
            NCryptFreeObject(handle_);
        } else {
            CryptReleaseContext(handle_, 0);
        }
    }

    CMSG_CTRL_DECRYPT_PARA for_recipient(DWORD index) const {
        CMSG_CTRL_DECRYPT_PARA parameters{};
        parameters.cbSize = sizeof parameters;
        parameters.hCryptProv = handle_;  // or hNCryptKey, in the same place
        parameters.dwKeySpec = spec_;
        parameters.dwRecipientIndex = index;
        return parameters;
    }

private:
    PrivateKey() = default;

    HCRYPTPROV_OR_NCRYPT_KEY_HANDLE handle_ = 0;
    DWORD spec_ = 0;
    BOOL must_free_ = FALSE;
};

std::optional<Bytes> parameter(HCRYPTMSG message, DWORD type, DWORD index = 0) {
    DWORD size = 0;
    if (!CryptMsgGetParam(message, type, index, nullptr, &size)) return std::nullopt;
    Bytes bytes(size);
    if (!CryptMsgGetParam(message, type, index, bytes.data(), &size)) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

std::optional<DWORD> number_parameter(HCRYPTMSG message, DWORD type) {
    DWORD number = 0;
    DWORD size = sizeof number;
    if (!CryptMsgGetParam(message, type, 0, &number, &size) || size != sizeof number) return std::nullopt;
    return number;
}

/// Returns the index of the message's recipient to whom this certificate belongs.
std::optional<DWORD> find_recipient(HCRYPTMSG message, PCCERT_CONTEXT certificate) {
    const auto count = number_parameter(message, CMSG_RECIPIENT_COUNT_PARAM).value_or(0);
    for (DWORD index = 0; index < count; ++index) {
        auto info = parameter(message, CMSG_RECIPIENT_INFO_PARAM, index);
        if (!info || info->size() < sizeof(CERT_INFO)) continue;
        const auto& recipient = *reinterpret_cast<CERT_INFO*>(info->data());
        auto& wanted = *certificate->pCertInfo;
        if (CertCompareCertificateName(encoding, &wanted.Issuer, const_cast<CERT_NAME_BLOB*>(&recipient.Issuer)) &&
            CertCompareIntegerBlob(&wanted.SerialNumber, const_cast<CRYPT_INTEGER_BLOB*>(&recipient.SerialNumber))) {
            return index;
        }
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> decrypt_cms(const std::string& der, const std::string& thumbprint, const std::filesystem::path&) {
    const auto certificate = find_certificate(thumbprint);
    if (!certificate) return certificate.error();

    const Message message(CryptMsgOpenToDecode(encoding, 0, 0, 0, nullptr, nullptr));
    if (!message) return last_error("open", "a CMS message");
    if (!CryptMsgUpdate(message.get(), reinterpret_cast<const BYTE*>(der.data()), static_cast<DWORD>(der.size()),
                        TRUE)) {
        return damaged("decode");
    }
    if (number_parameter(message.get(), CMSG_TYPE_PARAM) != DWORD{CMSG_ENVELOPED}) {
        return Error::invalid("the CMS message is not EnvelopedData");
    }
    const auto recipient = find_recipient(message.get(), certificate->get());
    if (!recipient) {
        return Error::refused("the CMS message is not encrypted to certificate " + thumbprint);
    }
    const auto key = PrivateKey::acquire(certificate->get(), thumbprint);
    if (!key) return key.error();
    auto decryption = key->for_recipient(*recipient);
    if (!CryptMsgControl(message.get(), 0, CMSG_CTRL_DECRYPT, &decryption)) return damaged("decrypt");
    const auto content = parameter(message.get(), CMSG_CONTENT_PARAM);
    if (!content) return damaged("decrypt");
    return std::string(content->begin(), content->end());
}

}  // namespace machine::local
