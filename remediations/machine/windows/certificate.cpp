#include "remediations/machine/certificate.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine {

using namespace machine::windows;

namespace {

using Context = UniqueHandle<PCCERT_CONTEXT, &CertFreeCertificateContext>;

constexpr std::string_view head = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view foot = "-----END CERTIFICATE-----";

Error invalid(const char* what) {
    return Error::invalid(what);
}

}  // namespace

Result<Certificate> parse_certificate(std::string_view pem) {
    // Other things may stand before it.
    const auto begin = pem.find(head);
    const auto end = begin == pem.npos ? pem.npos : pem.find(foot, begin);
    if (end == pem.npos) return invalid("not a PEM certificate");
    const auto block = pem.substr(begin, end + foot.size() - begin);
    DWORD size = 0;
    const auto decode = [&](BYTE* bytes) {
        return CryptStringToBinaryA(block.data(), static_cast<DWORD>(block.size()), CRYPT_STRING_BASE64HEADER, bytes,
                                    &size, nullptr, nullptr);
    };
    if (!decode(nullptr)) return invalid("not a PEM certificate");
    std::vector<BYTE> der(size);
    if (!decode(der.data())) return invalid("not a PEM certificate");
    const Context context(CertCreateCertificateContext(X509_ASN_ENCODING, der.data(), size));
    if (!context) return invalid("a PEM certificate with damaged content");
    std::array<BYTE, 20> hash{};
    DWORD length = hash.size();
    if (!CertGetCertificateContextProperty(context.get(), CERT_SHA1_HASH_PROP_ID, hash.data(), &length)) {
        return invalid("a PEM certificate without a thumbprint");
    }
    Certificate certificate{.thumbprint = {},
                            .not_before = to_time_point(context.get()->pCertInfo->NotBefore),
                            .not_after = to_time_point(context.get()->pCertInfo->NotAfter)};
    for (const auto byte : hash) certificate.thumbprint += fmt::format("{:02X}", byte);
    return certificate;
}

}  // namespace machine
