#include "remediations/machine/certificate.hpp"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>
#include <optional>

#include "remediations/machine/clock_time.hpp"

namespace machine {

namespace {

template <auto free_function>
struct FreeWith {
    template <class Object>
    void operator()(Object* object) const {
        free_function(object);
    }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using X509Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;

constexpr std::size_t longest_pem = 65536;

Error invalid(const char* what) {
    ERR_clear_error();
    return Error::invalid(what);
}

std::optional<std::chrono::system_clock::time_point> time_of(const ASN1_TIME* time) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(time, &broken_down) != 1) return std::nullopt;
    return time_after_1970(std::chrono::seconds(timegm(&broken_down)));
}

}  // namespace

Result<Certificate> parse_certificate(std::string_view pem) {
    if (pem.size() > longest_pem) return invalid("too long for a PEM certificate");
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const X509Certificate parsed(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!parsed) return invalid("not a PEM certificate");
    const auto not_before = time_of(X509_get0_notBefore(parsed.get()));
    const auto not_after = time_of(X509_get0_notAfter(parsed.get()));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (!not_before || !not_after || X509_digest(parsed.get(), EVP_sha1(), digest.data(), &length) != 1) {
        return invalid("a PEM certificate with damaged content");
    }
    Certificate certificate{.thumbprint = {}, .not_before = *not_before, .not_after = *not_after};
    for (unsigned index = 0; index < length; ++index) certificate.thumbprint += fmt::format("{:02X}", digest[index]);
    return certificate;
}

}  // namespace machine
