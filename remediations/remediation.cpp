#include "remediations/remediation.hpp"
