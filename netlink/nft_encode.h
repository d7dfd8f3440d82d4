// Turning one rule into libnftnl's form. Only nft_transaction.cpp and tests include it.
#pragma once

#include "netlink/nft_rules.h"

struct nftnl_rule;

namespace cella::netlink::nft {

// Appends the rule's expressions to a libnftnl rule.
void add_expressions(nftnl_rule* target, const Rule& rule);

}  // namespace cella::netlink::nft
