#include <fmt/format.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/local/cms.hpp"

namespace machine::local {

namespace {

template <auto free_function>
struct FreeWith {
    template <class Object>
    void operator()(Object* object) const {
        free_function(object);
    }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Message = std::unique_ptr<CMS_ContentInfo, FreeWith<CMS_ContentInfo_free>>;

constexpr std::size_t pem_limit = 65536;

Error invalid(const std::string& what) {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return Error::invalid(reason != nullptr ? fmt::format("{}: {}", what, reason) : what);
}

/// Returns a file name: only hexadecimal digits are allowed; the agent writes them in capitals.
Result<std::string> file_stem(std::string thumbprint) {
    const auto is_digit = [](unsigned char c) { return std::isxdigit(c) != 0; };
    if (thumbprint.size() != 40 || !std::all_of(thumbprint.begin(), thumbprint.end(), is_digit)) {
        return Error::invalid(
            fmt::format("'{}' is not the thumbprint of a certificate: 40 hexadecimal digits are expected", thumbprint));
    }
    std::transform(thumbprint.begin(), thumbprint.end(), thumbprint.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return thumbprint;
}

Result<Certificate> load_certificate(const std::filesystem::path& path) {
    const auto pem = read_regular_file(path.string(), pem_limit);
    if (!pem) {
        return pem.error();
    }
    const Bio bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
        return invalid(path.string() + " is not a PEM certificate");
    }
    return certificate;
}

Result<PrivateKey> load_private_key(const std::filesystem::path& path) {
    auto pem = read_regular_file(path.string(), pem_limit);
    if (!pem) {
        return pem.error();
    }
    const Bio bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    // Never asks for a pass phrase: there is nobody to answer.
    const auto no_pass_phrase = [](char*, int, int, void*) { return -1; };
    PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
    OPENSSL_cleanse(pem->data(), pem->size());
    if (!key) {
        return invalid(path.string() + " is not a PEM private key");
    }
    return key;
}

Result<Message> parse_message(const std::string& der) {
    const auto* position = reinterpret_cast<const unsigned char*>(der.data());
    Message message(d2i_CMS_ContentInfo(nullptr, &position, static_cast<long>(der.size())));
    if (!message) {
        return invalid("not a CMS message");
    }
    if (OBJ_obj2nid(CMS_get0_type(message.get())) != NID_pkcs7_enveloped) {
        return invalid("not a CMS message of type EnvelopedData");
    }
    return message;
}

/// Returns the recipient of the message to whom the certificate belongs. CMS_decrypt is not used for that, because by
/// design it does not distinguish a wrong recipient from a damaged message.
CMS_RecipientInfo* find_recipient(CMS_ContentInfo* message, X509* certificate) {
    const STACK_OF(CMS_RecipientInfo)* recipients = CMS_get0_RecipientInfos(message);
    for (int i = 0; i < sk_CMS_RecipientInfo_num(recipients); ++i) {
        CMS_RecipientInfo* recipient = sk_CMS_RecipientInfo_value(recipients, i);
        if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_TRANS &&
            CMS_RecipientInfo_ktri_cert_cmp(recipient, certificate) == 0) {
            return recipient;
        }
    }
    return nullptr;
}

/// Returns false where the content key cannot be decrypted. `recipient` belongs to the message.
bool open_content_key(CMS_ContentInfo* message, CMS_RecipientInfo* recipient, EVP_PKEY* key) {
    EVP_PKEY_up_ref(key);  // the recipient keeps one reference
    return CMS_RecipientInfo_set0_pkey(recipient, key) == 1 && CMS_RecipientInfo_decrypt(message, recipient) == 1;
}

}  // namespace

Result<std::string> decrypt_cms(const std::string& der, const std::string& thumbprint,
                                const std::filesystem::path& agent_folder) {
    const auto stem = file_stem(thumbprint);
    if (!stem) {
        return stem.error();
    }
    // The system's openssl.cnf may ask for modules that a static executable cannot load.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);

    const auto message = parse_message(der);
    if (!message) {
        return message.error();
    }
    const auto certificate = load_certificate(agent_folder / (*stem + ".crt"));
    if (!certificate) {
        return certificate.error();
    }
    CMS_RecipientInfo* recipient = find_recipient(message->get(), certificate->get());
    if (recipient == nullptr) {
        return Error::refused(fmt::format("the message is encrypted to another certificate than {}", *stem));
    }
    // Read last: a message that is not for this VM never comes near the key.
    const auto key = load_private_key(agent_folder / (*stem + ".prv"));
    if (!key) {
        return key.error();
    }
    if (!open_content_key(message->get(), recipient, key->get())) {
        return invalid("the content key of the message is damaged");
    }
    const Bio plain(BIO_new(BIO_s_mem()));
    const bool decrypted = CMS_decrypt(message->get(), nullptr, nullptr, nullptr, plain.get(), CMS_BINARY) == 1;
    char* data = nullptr;
    const long size = BIO_get_mem_data(plain.get(), &data);
    std::string text = decrypted ? std::string(data, static_cast<std::size_t>(size)) : std::string();
    OPENSSL_cleanse(data, static_cast<std::size_t>(size));
    if (!decrypted) {
        return invalid("the content of the message is damaged");
    }
    return text;
}

}  // namespace machine::local
