#include <gmock/gmock.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "remediations/machine/local/cms.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::cms_linux_test {
namespace {

using testing::HasSubstr;

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

std::string bytes_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

/// A certificate with its key, like the one an agent has.
struct Identity {
    explicit Identity(const char* name) : key(EVP_RSA_gen(2048)), certificate(X509_new()) {
        X509_set_version(certificate.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_NAME* subject = X509_get_subject_name(certificate.get());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1,
                                   0);
        X509_set_issuer_name(certificate.get(), subject);
        X509_set_pubkey(certificate.get(), key.get());
        X509_sign(certificate.get(), key.get(), EVP_sha256());
    }

    std::string encrypt(const std::string& text, const EVP_CIPHER* cipher) const {
        STACK_OF(X509)* recipients = sk_X509_new_null();
        sk_X509_push(recipients, certificate.get());
        const Bio plain(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
        CMS_ContentInfo* message = CMS_encrypt(recipients, plain.get(), cipher, CMS_BINARY);
        const Bio der(BIO_new(BIO_s_mem()));
        i2d_CMS_bio(der.get(), message);
        CMS_ContentInfo_free(message);
        sk_X509_free(recipients);
        return bytes_of(der);
    }

    PrivateKey key;
    Certificate certificate;
};

const std::string thumbprint = "0123456789abcdef0123456789ABCDEF01234567";
const std::string stem = "0123456789ABCDEF0123456789ABCDEF01234567";
const std::string secret = R"({"sasUri":"https://x/?sig=secret"})";

class DecryptCms : public testing::Test {
protected:
    static void SetUpTestSuite() {
        agent = std::make_unique<Identity>("Windows Azure CRP Certificate Generator");
        stranger = std::make_unique<Identity>("Windows Azure CRP Certificate Generator");
        ASN1_INTEGER_set(X509_get_serialNumber(stranger->certificate.get()), 2);
    }
    static void TearDownTestSuite() {
        agent.reset();
        stranger.reset();
    }

    void SetUp() override {
        const Bio certificate(BIO_new(BIO_s_mem()));
        PEM_write_bio_X509(certificate.get(), agent->certificate.get());
        folder.file(stem + ".crt", bytes_of(certificate));
        write_key(*agent);
    }

    void write_key(const Identity& identity) const {
        const Bio key(BIO_new(BIO_s_mem()));
        PEM_write_bio_PrivateKey(key.get(), identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        folder.file(stem + ".prv", bytes_of(key));
    }

    Result<std::string> decrypt(const std::string& der) const { return decrypt_cms(der, thumbprint, folder.path()); }

    static std::unique_ptr<Identity> agent;
    static std::unique_ptr<Identity> stranger;
    TemporaryFolder folder;
};

std::unique_ptr<Identity> DecryptCms::agent;
std::unique_ptr<Identity> DecryptCms::stranger;

TEST_F(DecryptCms, WithEachContentEncryption) {
    for (const EVP_CIPHER* cipher : {EVP_aes_256_cbc(), EVP_aes_128_cbc(), EVP_des_ede3_cbc()}) {
        const auto text = decrypt(agent->encrypt(secret, cipher));
        ASSERT_TRUE(text) << EVP_CIPHER_get0_name(cipher) << ": " << text.error().message;
        EXPECT_EQ(*text, secret);
    }
}

TEST_F(DecryptCms, AnythingOfAnyLength) {
    for (const std::string& text : {std::string(), std::string("a\r\nb\0c\n", 7), std::string(1 << 20, 'x')}) {
        EXPECT_EQ(*decrypt(agent->encrypt(text, EVP_aes_256_cbc())), text);
    }
}

TEST_F(DecryptCms, AWrongRecipientIsRefused) {
    const auto text = decrypt(stranger->encrypt(secret, EVP_aes_256_cbc()));
    EXPECT_EQ(text.error().kind, ErrorKind::refused);
    EXPECT_THAT(text.error().message, HasSubstr(stem));
}

TEST_F(DecryptCms, TheKeyIsReadForAMessageToItsCertificateOnly) {
    std::filesystem::remove(folder / (stem + ".prv"));
    EXPECT_EQ(decrypt(stranger->encrypt(secret, EVP_aes_256_cbc())).error().kind, ErrorKind::refused);
    EXPECT_EQ(decrypt("no message").error().kind, ErrorKind::invalid);
}

TEST_F(DecryptCms, AMissingCertificateOrKeyIsNamed) {
    const std::string message = agent->encrypt(secret, EVP_aes_256_cbc());
    std::filesystem::remove(folder / (stem + ".prv"));
    EXPECT_EQ(decrypt(message).error().kind, ErrorKind::not_found);
    EXPECT_THAT(decrypt(message).error().message, HasSubstr(folder / (stem + ".prv")));
    std::filesystem::remove(folder / (stem + ".crt"));
    EXPECT_EQ(decrypt(message).error().kind, ErrorKind::not_found);
    EXPECT_THAT(decrypt(message).error().message, HasSubstr(folder / (stem + ".crt")));
}

TEST_F(DecryptCms, ADamagedCertificateOrKeyIsNamed) {
    const std::string message = agent->encrypt(secret, EVP_aes_256_cbc());
    write_key(*stranger);
    EXPECT_EQ(decrypt(message).error().kind, ErrorKind::invalid);
    folder.file(stem + ".prv", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    EXPECT_EQ(decrypt(message).error().kind, ErrorKind::invalid);
    EXPECT_THAT(decrypt(message).error().message, HasSubstr(".prv is not a PEM private key"));
    folder.file(stem + ".crt", "");
    EXPECT_THAT(decrypt(message).error().message, HasSubstr(".crt is not a PEM certificate"));
}

TEST_F(DecryptCms, AThumbprintIsNoPath) {
    for (const char* wrong : {"", "../../../etc/shadow", "0123", "0123456789abcdef0123456789ABCDEF0123456g"}) {
        EXPECT_EQ(decrypt_cms("", wrong, folder.path()).error().kind, ErrorKind::invalid) << wrong;
    }
}

TEST_F(DecryptCms, WhatIsNoMessageIsInvalid) {
    const std::string message = agent->encrypt(secret, EVP_aes_256_cbc());
    for (const std::string& der : {std::string(), std::string("{}"), std::string(1000, '\xff'),
                                   std::string(1000, '\x30'), message.substr(0, message.size() / 2)}) {
        EXPECT_EQ(decrypt(der).error().kind, ErrorKind::invalid);
    }
}

TEST_F(DecryptCms, NoDamagedByteGivesTheSecretSilentlyWrong) {
    const std::string message = agent->encrypt(secret, EVP_aes_256_cbc());
    for (std::size_t i = 0; i < message.size(); ++i) {
        std::string damaged = message;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
        const auto text = decrypt(damaged);
        // CBC does not authenticate: damage to a block of the content can go unnoticed but for that block.
        if (!text) {
            EXPECT_TRUE(text.error().kind == ErrorKind::invalid || text.error().kind == ErrorKind::refused);
            EXPECT_THAT(text.error().message, testing::Not(HasSubstr("sig=")));
        } else if (i < message.size() - 100) {
            EXPECT_EQ(*text, secret) << "byte " << i;
        }
    }
}

}  // namespace
}  // namespace machine::local::cms_linux_test
