// SPDX-License-Identifier: Apache-2.0
/// First packet of a flow: the policy matcher against a linear scan and, where DPDK is installed, a single rte_acl
/// lookup. The two are made to agree on every query before they are timed.
///
/// Rules and queries are the same for all: IPv4, source and destination prefixes of mixed lengths, a protocol and a
/// port, a tenth of the fields `any`, a last rule that matches everything. Two thirds of the queries are made to fit
/// some rule.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/policy/policy_set.hpp"

#ifdef IKEALG_BENCH_DPDK
#include <rte_acl.h>
#include <rte_eal.h>
#endif

namespace {

using namespace ikealg;
using set = policy::policy_set<ipv4>;
using query = policy::policy_query<ipv4>;

struct bench_rule {
    prefix<ipv4> source{};
    prefix<ipv4> destination{};
    std::uint8_t protocol = 0;  // 0: any
    policy::port_range ports{};
};

[[nodiscard]] prefix<ipv4> some_prefix(small_random& random, std::uint32_t net) {
    if (random() % 10 == 0) {
        return {};
    }
    const auto length = static_cast<std::uint8_t>(16 + random() % 17);
    const auto host = static_cast<std::uint32_t>(random() & 0xff'ffff);
    return {ipv4_address{net << 24 | host}.masked(length), length};
}

[[nodiscard]] std::vector<bench_rule> make_rules(std::size_t count) {
    small_random random(42);
    std::vector<bench_rule> rules;
    while (rules.size() + 1 < count) {
        bench_rule r{some_prefix(random, 10), some_prefix(random, 203), 0, {}};
        if (r.source.length == 0 && r.destination.length == 0) {
            continue;
        }
        if (random() % 10 != 0) {
            r.protocol = random() % 2 == 0 ? 6 : 17;
            const auto low = static_cast<std::uint16_t>(random() % 2000);
            r.ports = {low, static_cast<std::uint16_t>(random() % 4 == 0 ? low + random() % 1000 : low)};
        }
        rules.push_back(r);
    }
    rules.push_back({});
    return rules;
}

[[nodiscard]] std::vector<query> make_queries(const std::vector<bench_rule>& rules) {
    small_random random(7);
    std::vector<query> queries;
    for (std::size_t i = 0; i < 4096; ++i) {
        const bench_rule& r = rules[random() % rules.size()];
        const auto within = [&](const prefix<ipv4>& p, std::uint32_t net) {
            const auto any = static_cast<std::uint32_t>(random());
            return p.length == 0 ? ipv4_address{net << 24 | (any & 0xff'ffff)}
                                 : ipv4_address{p.address.value | (p.length == 32 ? 0 : any >> p.length)};
        };
        query q{zone_id{0}, zone_id{1}, within(r.source, 10), within(r.destination, 203), 0, {}, {}};
        q.protocol = r.protocol != 0 ? r.protocol : std::uint8_t{17};
        q.source_port = port{static_cast<std::uint16_t>(1024 + random() % 60000)};
        q.destination_port = port{r.ports.low};
        if (i % 3 == 0) {
            q.destination_port = port{static_cast<std::uint16_t>(random())};
        }
        queries.push_back(q);
    }
    return queries;
}

[[nodiscard]] set make_set(const std::vector<bench_rule>& rules) {
    policy::policy_set_settings<ipv4> settings;
    settings.zones.resize(2);
    settings.zones[0].name = "trust";
    settings.zones[1].name = "untrust";
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const std::string name = "r" + std::to_string(i);
        settings.zones[0].address_book.addresses.push_back({name, rules[i].source});
        settings.zones[1].address_book.addresses.push_back({name, rules[i].destination});
        policy::application_settings application;
        application.name = name;
        if (rules[i].protocol != 0) {
            application.protocol = rules[i].protocol;
            application.destination_port = rules[i].ports;
        }
        settings.applications.push_back(application);
        policy::policy_settings p;
        p.from_zone = "trust";
        p.to_zone = "untrust";
        p.name = name;
        p.source_addresses = p.destination_addresses = p.applications = {name};
        p.action = policy::policy_action::permit;
        settings.policies.push_back(p);
    }
    auto result = set::build(settings);
    if (!result) {
        std::abort();
    }
    return std::move(*result.value);
}

void policy_set_match(benchmark::State& state) {
    const auto rules = make_rules(static_cast<std::size_t>(state.range(0)));
    const auto queries = make_queries(rules);
    const auto compiled = make_set(rules);
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(compiled.match(queries[i++ & 4095]));
    }
    state.counters["bytes"] = static_cast<double>(compiled.memory_bytes());
}
BENCHMARK(policy_set_match)->Arg(10)->Arg(1000)->Arg(10000);

void linear_scan(benchmark::State& state) {
    const auto rules = make_rules(static_cast<std::size_t>(state.range(0)));
    const auto queries = make_queries(rules);
    std::size_t i = 0;
    for (auto _ : state) {
        const query& q = queries[i++ & 4095];
        std::size_t found = 0;
        for (; found < rules.size(); ++found) {
            const bench_rule& r = rules[found];
            if (r.source.contains(q.source) && r.destination.contains(q.destination) &&
                (r.protocol == 0 || r.protocol == q.protocol) && r.ports.low <= q.destination_port.value &&
                q.destination_port.value <= r.ports.high) {
                break;
            }
        }
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(linear_scan)->Arg(10)->Arg(1000)->Arg(10000);

#ifdef IKEALG_BENCH_DPDK

// rte_acl wants its key in network order, fields after the first grouped by four bytes.
struct acl_key {
    std::uint8_t protocol = 0;
    std::uint8_t source[4]{};
    std::uint8_t destination[4]{};
    std::uint8_t source_port[2]{};
    std::uint8_t destination_port[2]{};
};
constexpr unsigned acl_fields = 5;
RTE_ACL_RULE_DEF(acl_rule, acl_fields);

[[nodiscard]] rte_acl_ctx* make_acl(const std::vector<bench_rule>& rules) {
    static int serial = 0;
    const std::string name = "policy_bench_" + std::to_string(serial++);
    rte_acl_param parameters{};
    parameters.name = name.c_str();
    parameters.socket_id = SOCKET_ID_ANY;
    parameters.rule_size = RTE_ACL_RULE_SZ(acl_fields);
    parameters.max_rule_num = static_cast<std::uint32_t>(rules.size());
    rte_acl_ctx* context = rte_acl_create(&parameters);
    if (context == nullptr) {
        return nullptr;
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const bench_rule& r = rules[i];
        acl_rule rule{};
        rule.data.category_mask = 1;
        rule.data.priority = static_cast<std::int32_t>(rules.size() - i);
        rule.data.userdata = static_cast<std::uint32_t>(i + 1);
        rule.field[0].value.u8 = r.protocol;
        rule.field[0].mask_range.u8 = r.protocol == 0 ? 0 : 0xff;
        rule.field[1].value.u32 = r.source.address.value;
        rule.field[1].mask_range.u32 = r.source.length;
        rule.field[2].value.u32 = r.destination.address.value;
        rule.field[2].mask_range.u32 = r.destination.length;
        rule.field[3].value.u16 = 0;
        rule.field[3].mask_range.u16 = 0xffff;
        rule.field[4].value.u16 = r.ports.low;
        rule.field[4].mask_range.u16 = r.ports.high;
        if (rte_acl_add_rules(context, reinterpret_cast<const rte_acl_rule*>(&rule), 1) != 0) {
            return nullptr;
        }
    }
    rte_acl_config config{};
    config.num_categories = 1;
    config.num_fields = acl_fields;
    const auto field = [](std::uint8_t type, std::uint8_t size, std::uint8_t index, std::uint8_t input,
                          std::uint32_t offset) {
        rte_acl_field_def def{};
        def.type = type;
        def.size = size;
        def.field_index = index;
        def.input_index = input;
        def.offset = offset;
        return def;
    };
    config.defs[0] = field(RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(acl_key, protocol));
    config.defs[1] = field(RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(acl_key, source));
    config.defs[2] = field(RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(acl_key, destination));
    config.defs[3] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(acl_key, source_port));
    config.defs[4] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(acl_key, destination_port));
    return rte_acl_build(context, &config) == 0 ? context : nullptr;
}

void rte_acl_single(benchmark::State& state) {
    const auto rules = make_rules(static_cast<std::size_t>(state.range(0)));
    const auto queries = make_queries(rules);
    rte_acl_ctx* context = make_acl(rules);
    if (context == nullptr) {
        state.SkipWithError("rte_acl cannot be set up here");
        return;
    }
    std::vector<acl_key> keys(queries.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        keys[i].protocol = queries[i].protocol;
        queries[i].source.store(keys[i].source);
        queries[i].destination.store(keys[i].destination);
        store_be16(keys[i].source_port, queries[i].source_port.value);
        store_be16(keys[i].destination_port, queries[i].destination_port.value);
    }
    const auto compiled = make_set(rules);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint8_t* data = &keys[i].protocol;
        std::uint32_t result = 0;
        rte_acl_classify(context, &data, &result, 1, 1);
        if (result != compiled.match(queries[i]).rule + 1) {
            state.SkipWithError("rte_acl and policy_set disagree");
            break;
        }
    }
    std::size_t i = 0;
    for (auto _ : state) {
        const std::uint8_t* data = &keys[i++ & 4095].protocol;
        std::uint32_t result = 0;
        rte_acl_classify(context, &data, &result, 1, 1);
        benchmark::DoNotOptimize(result);
    }
    rte_acl_free(context);
}
BENCHMARK(rte_acl_single)->Arg(10)->Arg(1000)->Arg(10000);

#endif

}  // namespace

int main(int argc, char** argv) {
#ifdef IKEALG_BENCH_DPDK
    std::vector<std::string> words{"policy_bench", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf",
                                   "--log-level=critical", "-m", "1024"};
    std::vector<char*> eal;
    for (auto& word : words) {
        eal.push_back(word.data());
    }
    if (rte_eal_init(static_cast<int>(eal.size()), eal.data()) < 0) {
        return 1;
    }
#endif
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
