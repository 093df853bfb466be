// protectedSettings as Azure delivers them: base64 of a CMS envelope, made for the certificate in tests/fuzz/keys.
#include "remediations/formats/base64.hpp"
#include "remediations/machine/local/cms.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::filesystem::path keys = FUZZ_DATA "/keys";
    static const std::string thumbprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    const auto text = fuzz::text_of(data, size);
    // Mutations of base64 seldom reach the CMS parser: the bytes themselves are tried too.
    const auto der = remediations::decode_base64(text);
    (void)machine::local::decrypt_cms(der ? *der : std::string(text), thumbprint, keys);
    return 0;
}
