// SPDX-License-Identifier: Apache-2.0
/// The pause of a new SA for ESP in UDP, message by message.
#include "ikealg/alg/natt_pause.hpp"

#include "alg/harness.hpp"

using namespace ikealg_tests;

namespace {

constexpr std::chrono::milliseconds installing{20};
using hand = alg::packet_at_hand<token>;
using what = decision::what;
using ids = std::vector<std::uint32_t>;

ike_bytes message_of(exchange_type type, std::uint32_t id, bool response = false) {
    ike_header m;
    m.initiator.value = 1;
    m.responder.value = 2;
    m.exchange = type;
    m.message_id = id;
    m.version = type == exchange_type::quick_mode ? 0x10 : 0x20;
    m.flags = response ? 0x20 : 0;
    return m.bytes_of();
}

/// NAT-T flows and what passes on them.
template <class F>
struct natt_flows : harness<F> {
    explicit natt_flows(const alg::capacities& room = {512, 128, 64, 128, 512, 128}) : harness<F>({}, room) {
        this->memory().settings.new_sa_pause = installing;
        flow = add(1);
    }
    std::uint32_t flow = npos;

    std::uint32_t add(unsigned client) {
        nat::flow<F> f;
        f.kind = nat::flow_kind::natt;
        f.flags = nat::flow_flag::has_outbound | nat::flow_flag::has_inbound;
        const std::uint32_t ports = nat::port_selector(natt_port, natt_port);
        f.outbound = {numbered<F>(10, client), numbered<F>(198, 1), ports, zone_id{0}, 17, 0};
        f.inbound = {numbered<F>(198, 1), numbered<F>(203, client), ports, zone_id{1}, 17, 0};
        const auto added = this->memory().flows.add(f);
        REQUIRE(added.result == nat::add_result::added);
        return added.index;
    }
    void ike(std::uint32_t fi, direction way, exchange_type type, std::uint32_t id, bool response = false) {
        this->core.pauses_of_natt().message(fi, vrf_id{3}, message_of(type, id, response).view(), way);
    }
    void child(direction way, bool response, std::uint32_t id = 2) { ike(flow, way, exchange_type::create_child_sa, id, response); }
    void quick(direction way, std::uint32_t id = 77) { ike(flow, way, exchange_type::quick_mode, id); }

    what esp(direction way, std::uint32_t value, std::uint32_t sequence = 1, bool waited = false) {
        token packet(++this->last);
        const auto d = this->core.pauses_of_natt().esp(flow, spi{value}, sequence, hand{packet, 100, way, 0, waited});
        CHECK((packet.id == 0) == (d.act == what::held));
        return d.act;
    }
    /// The packets that came back since, all to go on.
    ids gone_on() {
        this->collect();
        ids all;
        for (const released& r : this->take_back()) {
            CHECK(r.reason == drop_reason::none);
            all.push_back(r.id);
        }
        return all;
    }
    void check_empty() {
        CHECK(this->memory().held().size() == 0);
        CHECK(this->memory().held_bytes() == 0);
        CHECK(this->memory().natt_watches.size() == 0);
        CHECK(this->memory().natt_timers.size() == 0);
        CHECK(this->memory().natt_timers.check());
        CHECK(this->memory().flows[flow].next == npos);
    }
};

struct passing {
    direction way;
    bool quick;
    bool response;
};

}  // namespace

TEST_CASE_TEMPLATE("G16: which messages make new ESP wait, and which way", F, ipv4, ipv6) {
    constexpr passing request_out{outbound, false, false}, response_in{inbound, false, true};
    constexpr passing request_in{inbound, false, false}, response_out{outbound, false, true};
    constexpr passing quick_out{outbound, true, false}, quick_in{inbound, true, false};
    enum ends : std::uint8_t { none, runs, asked };  // when ESP that waits goes on: never waits, after the pause, after esp-hold-limit
    struct row {
        const char* what;
        std::vector<passing> messages;
        ends out;
        ends in;
    };
    for (const row& r : {
             row{"nothing", {}, none, none},
             row{"IKEv2, the client asks", {request_out}, none, asked},
             row{"and is answered", {request_out, response_in}, none, runs},
             row{"IKEv2, the server asks", {request_in}, asked, none},
             row{"and is answered", {request_in, response_out}, runs, none},
             row{"a response to what was not seen", {response_in}, none, runs},
             row{"both ask, with equal ids", {request_out, request_in}, asked, asked},
             row{"one is answered", {request_out, request_in, response_in}, asked, runs},
             row{"both are answered", {request_out, request_in, response_in, response_out}, runs, runs},
             row{"IKEv1, message 1 of the client", {quick_out}, none, asked},
             row{"repeated", {quick_out, quick_out}, none, asked},
             row{"message 2", {quick_out, quick_in}, asked, runs},
             row{"message 3", {quick_out, quick_in, quick_out}, runs, runs},
             row{"2 repeated, for 3 was lost", {quick_out, quick_in, quick_out, quick_in}, runs, runs},
             row{"IKEv1, message 1 of the server", {quick_in}, asked, none},
             row{"message 2", {quick_in, quick_out}, runs, asked},
             row{"message 3", {quick_in, quick_out, quick_in}, runs, runs},
         }) {
        CAPTURE(r.what);
        natt_flows<F> h;
        for (const passing& m : r.messages) {
            m.quick ? h.quick(m.way) : h.child(m.way, m.response);
        }
        CHECK(h.esp(outbound, 0xb001) == (r.out != none ? what::held : what::forward));
        CHECK(h.esp(inbound, 0xa001) == (r.in != none ? what::held : what::forward));
        h.pass(installing);
        CHECK(h.gone_on().size() == std::size_t{r.out == runs} + std::size_t{r.in == runs});
        h.pass(1s - installing);
        CHECK(h.gone_on().size() == std::size_t{r.out == asked} + std::size_t{r.in == asked});
        h.pass(1min);
        h.check_empty();
    }
}

TEST_CASE_TEMPLATE("G16: an exchange that asks while the pause of another runs has it go on afterwards", F, ipv4, ipv6) {
    natt_flows<F> h;
    h.child(outbound, false, 2);
    SUBCASE("asked after the first answer") {
        h.child(inbound, true, 2);
        CHECK(h.esp(inbound, 0xa002) == what::held);
        h.pass(5ms);
        h.child(outbound, false, 3);
        h.pass(15ms);
    }
    SUBCASE("both asked before it") {
        h.child(outbound, false, 3);
        h.child(inbound, true, 2);
        CHECK(h.esp(inbound, 0xa002) == what::held);
        h.pass(installing);
    }
    SUBCASE("asked when the pause has run and no timer has") {
        h.child(inbound, true, 2);
        CHECK(h.esp(inbound, 0xa002) == what::held);
        h.core.set_time(h.now() + 25ms);
        h.child(outbound, false, 3);
        CHECK(h.esp(inbound, 0xa002, 2) == what::again);  // what waited goes first
        CHECK(std::exchange(h.memory().pause_overflowed, false));
        --h.last;
    }
    CHECK(h.gone_on() == ids{1});
    CHECK(h.esp(inbound, 0xa002, 3) == what::forward);
    h.pass(5ms);
    CHECK(h.esp(inbound, 0xa003) == what::held);  // of the second: it outran the response
    h.pass(10ms);
    h.child(inbound, true, 3);
    h.pass(installing - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == ids{3});
    h.check_empty();
}

TEST_CASE_TEMPLATE("G16: a pause runs from the newest message that begins it", F, ipv4, ipv6) {
    natt_flows<F> h;
    SUBCASE("IKEv2") {
        h.child(outbound, false);
        CHECK(h.esp(inbound, 0xa001) == what::held);  // it outran the response
        h.pass(300ms);
        CHECK(h.gone_on().empty());
        h.child(inbound, true);
        h.pass(15ms);
        h.child(inbound, true);
        CHECK(h.esp(inbound, 0xa001, 2) == what::held);
        h.pass(installing - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{1, 2});
    }
    SUBCASE("IKEv1: each way by its own message") {
        h.quick(outbound);
        CHECK(h.esp(inbound, 0xa001) == what::held);
        h.pass(10ms);
        h.quick(inbound);
        h.pass(15ms);
        h.quick(outbound);
        CHECK(h.esp(outbound, 0xb001) == what::held);
        h.pass(5ms - 1ns);
        CHECK(h.gone_on().empty());
        h.pass(1ns);
        CHECK(h.gone_on() == ids{1});
        h.pass(15ms);
        CHECK(h.gone_on() == ids{2});
    }
    h.check_empty();
    CHECK(h.count(counter::esp_paused) == 2);
    CHECK(h.told(event_kind::esp_paused) == 2);
    CHECK(h.told(event_kind::released) == 2);
    const auto& e = h.events.back();
    CHECK(e.vrf == vrf_id{3});
    CHECK(e.client == numbered<F>(10, 1));
    CHECK(e.server == numbered<F>(198, 1));
    CHECK(e.nat == numbered<F>(203, 1));
}

TEST_CASE_TEMPLATE("G16: no packet waits longer than esp-hold-limit, and nothing for a message after phase2-max-hold", F, ipv4, ipv6) {
    natt_flows<F> h;
    h.child(outbound, false);
    h.pass(100ms);
    CHECK(h.esp(inbound, 0xa001) == what::held);
    h.pass(500ms);
    CHECK(h.esp(inbound, 0xa002) == what::held);
    h.pass(500ms - 1ns);
    CHECK(h.gone_on().empty());
    h.pass(1ns);
    CHECK(h.gone_on() == ids{1, 2});  // in order: the pause is over
    CHECK(h.esp(inbound, 0xa003) == what::forward);
    h.check_empty();
    h.child(outbound, false, 3);
    h.pass(h.memory().settings.phase2_max_hold - 1ns);
    CHECK(h.memory().natt_watches.size() == 1);
    h.pass(1ns);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G16: ESP waits whose SPI is new: a small sequence number, and it has not passed meanwhile", F, ipv4, ipv6) {
    natt_flows<F> h;
    h.child(outbound, false);
    h.child(inbound, false);
    h.child(inbound, true);
    CHECK(h.esp(inbound, 0xa000, 17) == what::forward);
    CHECK(h.esp(inbound, 0xa001, 16) == what::held);
    CHECK(h.esp(inbound, 0xa001, 17) == what::held);  // nothing overtakes
    CHECK(h.esp(inbound, 0xa002, 17) == what::forward);
    h.pass(installing);
    CHECK(h.gone_on() == ids{2, 3});
    CHECK(h.memory().natt_watches.size() == 1);  // the client's response is to come
    CHECK(h.esp(inbound, 0xa001, 2) == what::forward);
    CHECK(h.esp(inbound, 0xa003, 1) == what::forward);  // no pause any more
    h.child(outbound, false, 3);
    CHECK(h.esp(inbound, 0xa001, 3) == what::forward);
    CHECK(h.esp(inbound, 0xa003, 2) == what::forward);
    CHECK(h.esp(inbound, 0xa004, 1) == what::held);
    CHECK(h.esp(inbound, 0xa004, 1, true) == what::forward);  // it had its pause
}

TEST_CASE_TEMPLATE("G16: when more come than may wait, those that wait go on first", F, ipv4, ipv6) {
    natt_flows<F> h;
    h.child(outbound, false);
    ids expected;
    SUBCASE("as many as a client may have waiting") {
        for (std::uint32_t n = 1; n <= h.memory().settings.held_esp_per_client; ++n) {
            CHECK(h.esp(inbound, 0xa001, n) == what::held);
            expected.push_back(n);
        }
    }
    SUBCASE("no bytes are left of the half that NAT-T has") {
        h.memory().settings.held_bytes = 500;
        CHECK(h.esp(inbound, 0xa001, 1) == what::held);
        CHECK(h.esp(inbound, 0xa001, 2) == what::held);
        expected = {1, 2};
    }
    CHECK(h.esp(inbound, 0xa001, 9) == what::again);
    CHECK(std::exchange(h.memory().pause_overflowed, false));
    CHECK(h.gone_on() == expected);
    CHECK(h.esp(inbound, 0xa001, 9) == what::forward);
    h.check_empty();
    h.memory().settings.held_bytes = 199;  // not even one may wait
    h.child(outbound, false, 3);
    CHECK(h.esp(inbound, 0xa002) == what::forward);
    CHECK_FALSE(h.memory().pause_overflowed);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G16: flows have pauses of their own, and without room for a watch none", F, ipv4, ipv6) {
    natt_flows<F> h({512, 128, 64, 128, 512, 2});
    const std::uint32_t second = h.add(2);
    const std::uint32_t third = h.add(3);
    const std::uint32_t first = h.flow;
    for (const std::uint32_t fi : {first, second, third}) {
        h.ike(fi, outbound, exchange_type::ike_auth, 1);
    }
    CHECK(h.memory().natt_watches.size() == 2);
    h.flow = third;
    CHECK(h.esp(inbound, 0xa001) == what::forward);
    h.flow = second;
    CHECK(h.esp(inbound, 0xa001) == what::held);
    h.core.pauses_of_natt().forget(first);
    CHECK(h.gone_on().empty());
    CHECK(h.esp(inbound, 0xa001, 2) == what::again);  // NAT-T has half of the records: the other half is for slots
    CHECK(std::exchange(h.memory().pause_overflowed, false));
    CHECK(h.gone_on() == ids{2});
    h.ike(second, outbound, exchange_type::ike_auth, 2);
    CHECK(h.esp(inbound, 0xa002) == what::held);
    h.core.pauses_of_natt().forget(second);
    CHECK(h.gone_on() == ids{4});
    h.core.pauses_of_natt().forget(third);
    h.check_empty();
}

TEST_CASE_TEMPLATE("G16: of more Quick Modes than are remembered at once the oldest is forgotten", F, ipv4, ipv6) {
    natt_flows<F> h;
    for (std::uint32_t id = 1; id <= 4; ++id) {
        h.quick(outbound, id);
    }
    h.pass(1s);
    h.quick(inbound, 1);  // message 2 of the first: the client's ESP waits for message 3
    CHECK(h.esp(outbound, 0xb001) == what::held);
    h.quick(outbound, 5);
    h.quick(outbound, 6);
    h.quick(outbound, 7);
    h.quick(outbound, 1);  // message 3
    h.pass(installing);
    CHECK(h.gone_on() == ids{1});
}
