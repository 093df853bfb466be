#include "remediations/machine/certificate.hpp"

#include <gtest/gtest.h>

namespace machine::certificate_test {
namespace {

using std::chrono::system_clock;

const std::string pem = R"(-----BEGIN CERTIFICATE-----
MIIBUjCB+qADAgECAgISZzAKBggqhkjOPQQDAjAyMTAwLgYDVQQDDCdXaW5kb3dz
IEF6dXJlIENSUCBDZXJ0aWZpY2F0ZSBHZW5lcmF0b3IwIBcNMjYwMTAxMDAwMDAw
WhgPMjA1MTA2MDcwODA5MTBaMDIxMDAuBgNVBAMMJ1dpbmRvd3MgQXp1cmUgQ1JQ
IENlcnRpZmljYXRlIEdlbmVyYXRvcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BBaKaIzCU64wvPzZbysgR/ZJgA9tgXHCrhJ8KJaGNzlnOM47NAsz0AARF6ifNolM
hvFPZNgv1Y8C8NX9ity4oUAwCgYIKoZIzj0EAwIDRwAwRAIgXuCfT8iqVM+QRtYh
vffQzP+Jc5UagDSBj/5nMbYA8Z0CIGAnTBAt9SpVA1QztN3YnP6MX0nGm+BmDyM6
i/s0i4ha
-----END CERTIFICATE-----
)";

TEST(Certificate, TellsThumbprintAndValidity) {
    const auto parsed = parse_certificate(pem);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->thumbprint, "BFF79BA8FF5E62A1FE4BA1495BF5F3DABBBA3BEC");
    EXPECT_EQ(parsed->not_before, system_clock::from_time_t(1767225600)) << "2026-01-01, a UTCTime";
    EXPECT_EQ(parsed->not_after, system_clock::from_time_t(2569738150)) << "2051-06-07 08:09:10, a GeneralizedTime";
}

TEST(Certificate, OthersMayStandAroundIt) {
    EXPECT_EQ(parse_certificate("Bag Attributes\n" + pem + "trailing\n")->thumbprint,
              parse_certificate(pem)->thumbprint);
}

TEST(Certificate, DamagedOnesAreRefused) {
    auto cut = pem;
    cut.erase(100, 40);
    auto swapped = pem;
    swapped[60] = swapped[60] == 'A' ? 'B' : 'A';
    swapped[61] = '!';
    for (const auto& text : {std::string(), std::string("REDACTED"), cut, swapped, pem.substr(0, pem.size() / 2),
                             std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
                             std::string(1 << 20, 'A'), std::string(64, '\0')}) {
        const auto parsed = parse_certificate(text);
        ASSERT_FALSE(parsed) << text.substr(0, 80);
        EXPECT_EQ(parsed.error().kind, ErrorKind::invalid);
    }
}

}  // namespace
}  // namespace machine::certificate_test
