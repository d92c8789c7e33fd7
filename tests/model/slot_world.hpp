// SPDX-License-Identifier: Apache-2.0
/// A small world around the shipped ALG: clients, servers and the network between, as machines that can be copied.
///
/// A world is one state of the exploration (explorer.hpp): the gateway, and the truth about every exchange that the gateway cannot
/// see. The path between client and gateway takes no time and loses nothing: the moment of an action is the moment at which the
/// gateway sees the packet, so that every order of packets at the gateway is an order of actions. Behind the gateway a message arrives or is
/// lost. Time only moves when a timer runs, half way to one in a pause, or by the round trip where the plan has one.
#ifndef IKEALG_TESTS_MODEL_SLOT_WORLD_HPP
#define IKEALG_TESTS_MODEL_SLOT_WORLD_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ikealg/alg/alg.hpp"
#include "plan.hpp"

namespace ikealg::tests::model {

/// The packet handle: what it is. A handle that was moved from is empty.
class parcel {
public:
    static constexpr std::uint8_t esp = 0xf0;

    parcel() noexcept = default;
    parcel(std::uint8_t tunnel, std::uint8_t exchange, std::uint8_t message, bool lost) noexcept
        : tunnel_(tunnel), exchange_(exchange), message_(message), lost_(lost) {}
    parcel(const parcel&) noexcept = default;
    parcel& operator=(const parcel&) noexcept = default;
    parcel(parcel&& other) noexcept : parcel(other) { other.tunnel_ = none; }
    parcel& operator=(parcel&& other) noexcept {
        if (this != &other) {
            *this = static_cast<const parcel&>(other);
            other.tunnel_ = none;
        }
        return *this;
    }
    ~parcel() = default;

    [[nodiscard]] bool empty() const noexcept { return tunnel_ == none; }
    [[nodiscard]] std::uint8_t tunnel() const noexcept { return tunnel_; }
    [[nodiscard]] std::uint8_t exchange() const noexcept { return exchange_; }
    [[nodiscard]] std::uint8_t message() const noexcept { return message_; }
    [[nodiscard]] bool lost() const noexcept { return lost_; }

private:
    static constexpr std::uint8_t none = 0xff;
    std::uint8_t tunnel_ = none;
    std::uint8_t exchange_ = 0;
    std::uint8_t message_ = 0;
    bool lost_ = false;
};

/// The truth about one exchange.
struct exchange_truth {
    std::array<std::uint8_t, 4> sent{};
    std::uint8_t lost = 0;     ///< a bit for each message of which a copy was lost
    std::uint8_t arrived = 0;  ///< a bit for each message that reached its peer
    std::uint8_t passed = 0;   ///< a bit for each message that the gateway let through
    std::uint8_t esp_out = 0;  ///< sent
    std::uint8_t esp_in = 0;   ///< sent
    bool esp_left = false;     ///< ESP of the client went through the gateway
    bool esp_arrived = false;  ///< and reached the server
    bool esp_lost = false;
    bool late = false;    ///< a tenure of the client ended by its timer since its ESP left: an answer may come too late
    bool robbed = false;  ///< an SPI of another client or exchange was bound instead of this one's
    std::uint8_t bound_to = none;  ///< the tunnel that the gateway gives the inbound SPI to
    bool contested = false;        ///< and the gateway said so
    bool repeated = false;         ///< message 1 passed again after message 2, or asked for the slot since it rekeys (X4)
    std::array<instant, 4> arrived_at{};
    instant esp_arrived_at{};

    static constexpr std::uint8_t none = 0xff;
    [[nodiscard]] bool has_arrived(int message) const noexcept { return message >= 0 && (arrived >> message & 1) != 0; }
    [[nodiscard]] bool has_passed(int message) const noexcept { return message >= 0 && (passed >> message & 1) != 0; }
};

/// One thing that can happen next.
struct action {
    enum class what : std::uint8_t { send, send_lost, esp_out, esp_out_lost, esp_in, timer, wait, pause, end };
    what kind = what::timer;
    std::uint8_t tunnel = 0;
    std::uint8_t exchange = 0;
    std::uint8_t message = 0;
};

/// What the gateway told while an action ran.
struct told {
    alg::event_kind kind{};
    ipv4::address client{};
    ipv4::address server{};
    spi value{};
};
struct listener {
    std::vector<told>* log = nullptr;
    void operator()(const alg::event<ipv4>& e) const {
        using kind = alg::event_kind;
        switch (e.kind) {
            case kind::spi_bound_gate:
            case kind::spi_bound_late:
            case kind::spi_bound_midstream:
            case kind::one_way:
            case kind::spi_taken_back:
            case kind::spi_contested: log->push_back({e.kind, e.client, e.server, e.spi}); break;
            default: break;
        }
    }
};

/// Which cells of the tables were used.
struct cell_hits {
    std::array<std::array<std::uint64_t, alg::slot_event_count>, alg::slot_state_count> practical{};
    std::array<std::array<std::uint64_t, alg::junos_event_count>, alg::junos_state_count> junos{};
};
struct cell_probe {
    cell_hits* hits = nullptr;
    void operator()(alg::slot_state s, alg::slot_event e) const noexcept {
        ++hits->practical[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
    }
    void operator()(alg::junos_state s, alg::junos_event e) const noexcept {
        ++hits->junos[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
    }
};

/// The table that the worlds run with: the shipped one, or one with a seeded fault. A variable, so that one program holds all.
inline alg::slot_table table_in_use = alg::practical_slot_table;

using gateway_type = alg::alg<ipv4, parcel, listener, table_in_use, cell_probe>;
using state_type = gateway_type::state_type;

/// What an exploration shares among its worlds.
struct surroundings {
    const plan* what = nullptr;
    std::vector<told> log;
    cell_hits hits;
    const char* violation = nullptr;  ///< the first one
    std::uint64_t misbindings = 0;    ///< all of them contested, or a violation
    std::uint64_t contested = 0;
    std::uint64_t contested_right = 0;  ///< bound to the true owner all the same
    std::uint64_t ambiguous = 0;
    std::uint64_t one_way = 0;  ///< exchanges that became one-way (G12)
    std::uint64_t flooded = 0;  ///< SPIs that counted as a flood (L7)

    void fail(const char* why) noexcept {
        if (violation == nullptr) {
            violation = why;
        }
    }
};

class world {
public:
    static constexpr instant start{std::chrono::seconds{1000}};
    static constexpr zone_id inside{1};
    static constexpr zone_id outside{2};

    explicit world(surroundings& around)
        : around_(&around),
          gateway_(around.what->settings, capacities(), hash_secret::from_seed(7), start, listener{&around.log},
                   cell_probe{&around.hits}) {
        gateway_.set_time(now_);
        for (std::size_t t = 0; t < tunnels(); ++t) {
            alg::pair<ipv4> p;
            p.inside = inside;
            p.outside = outside;
            p.client = client_address(t);
            p.server = server_address(t);
            p.nat = nat_address(t);
            pairs_[t] = gateway_.memory().make_pair(p, false);
        }
        for (std::size_t t = 0; t < tunnels(); ++t) {
            begin(t);
        }
        drain();
    }

    [[nodiscard]] const plan& what() const noexcept { return *around_->what; }
    [[nodiscard]] std::size_t tunnels() const noexcept { return what().tunnels.size(); }
    [[nodiscard]] std::size_t exchanges(std::size_t t) const noexcept { return what().tunnels[t].exchanges.size(); }
    [[nodiscard]] const exchange_truth& truth(std::size_t t, std::size_t k) const noexcept { return truth_[t][k]; }
    [[nodiscard]] std::uint32_t pair_of(std::size_t t) const noexcept { return pairs_[t]; }
    [[nodiscard]] gateway_type& gateway() noexcept { return gateway_; }
    [[nodiscard]] const gateway_type& gateway() const noexcept { return gateway_; }
    [[nodiscard]] const state_type& memory() const noexcept { return gateway_.memory(); }
    [[nodiscard]] instant now() const noexcept { return now_; }
    [[nodiscard]] bool strict() const noexcept { return what().settings.drop_contested; }
    [[nodiscard]] bool practical() const noexcept { return what().settings.profile == alg::profile::practical; }

    [[nodiscard]] static spi spi_in(std::size_t t, std::size_t k) noexcept {
        return {static_cast<std::uint32_t>(0x1000 + t * 16 + k)};
    }
    [[nodiscard]] static spi spi_out(std::size_t t, std::size_t k) noexcept {
        return {static_cast<std::uint32_t>(0x2000 + t * 16 + k)};
    }
    /// The tunnel and exchange whose SPI (either direction) this is.
    [[nodiscard]] static std::pair<std::size_t, std::size_t> owner_of(std::uint32_t selector) noexcept {
        return {selector >> 4 & 0xf, selector & 0xf};
    }
    [[nodiscard]] ipv4::address client_address(std::size_t t) const noexcept {
        return {0x0a00'0001U + what().tunnels[t].client};
    }
    [[nodiscard]] ipv4::address server_address(std::size_t t) const noexcept {
        return {0xc633'6401U + what().tunnels[t].server};
    }
    [[nodiscard]] ipv4::address nat_address(std::size_t t) const noexcept {
        return {0xcb00'7101U + what().tunnels[t].nat};
    }

    [[nodiscard]] bool server_up(std::size_t t, std::size_t k) const noexcept {
        const script s = what().tunnels[t].exchanges[k];
        return s == script::midstream || truth_[t][k].has_arrived(text_of(s).server_up);
    }
    [[nodiscard]] bool client_up(std::size_t t, std::size_t k) const noexcept {
        const script s = what().tunnels[t].exchanges[k];
        if (s == script::midstream) {
            return true;
        }
        const script_text& text = text_of(s);
        if (text.client_up < 0) {
            return false;
        }
        const auto i = static_cast<std::size_t>(text.client_up);
        return text.messages[i].from_client ? truth_[t][k].sent[i] != 0 : truth_[t][k].has_arrived(text.client_up);
    }
    /// As far as the gateway can know, the server may send on this SA, and no SPI of it is bound to its owner.
    [[nodiscard]] bool may_send(std::size_t t, std::size_t k) const noexcept {
        return truth_[t][k].bound_to != t && could_send(t, k) && !ended_[t];
    }
    /// The same, whatever is bound. Once true it stays true.
    [[nodiscard]] bool could_send(std::size_t t, std::size_t k) const noexcept {
        const script s = what().tunnels[t].exchanges[k];
        const exchange_truth& x = truth_[t][k];
        switch (s) {
            case script::midstream: return true;
            case script::child_refused: return x.has_passed(0);
            case script::quick_client:
                return x.has_passed(2) || x.repeated || x.esp_left;
            case script::auth_eap: return x.has_passed(0);  // any round may be the last
            default: return x.has_passed(text_of(s).server_up) || x.esp_left;
        }
    }

    /// The gateway took the exchange's message for a request: of a client that has ESP already, whose server may send behind message 2 (X4).
    [[nodiscard]] bool has_asked(std::size_t t, std::size_t k) const noexcept {
        if (what().tunnels[t].exchanges[k] != script::quick_client) {
            return false;
        }
        for (std::uint32_t xi = memory().pair_at(pairs_[t]).first_exchange; xi != npos; xi = memory().exchange_at(xi).next) {
            if (memory().exchange_at(xi).message_id / 4 == 4 + k && memory().exchange_at(xi).requested) {
                return true;
            }
        }
        return false;
    }

    /// The truth without what no longer matters: counts of packets that change nothing are full, so that nobody sends them.
    [[nodiscard]] exchange_truth essence(std::size_t t, std::size_t k) const noexcept {
        exchange_truth x = truth_[t][k];
        if (could_send(t, k) && what().tunnels[t].exchanges[k] != script::child_refused) {
            x.passed = 0xff;
            x.repeated = false;
        }
        if (x.bound_to != exchange_truth::none && !may_be_taken_back(inbound_flow(t, k))) {  // its SPI is found by the packet path alone; whether its answer is late is past
            x.esp_in = static_cast<std::uint8_t>(what().esp_in);
            x.late = false;
            x.contested = false;
            x.esp_left = could_send(t, k);
            x.esp_arrived = true;
            x.esp_arrived_at = {};
        }
        if (sends_alone(t, k) && x.esp_arrived) {
            x.esp_out = static_cast<std::uint8_t>(what().esp_out);
        }
        x.esp_lost = x.esp_lost && !x.esp_arrived && x.esp_out < what().esp_out;
        const bool quiet = is_quiet(t);
        for (unsigned m = 0; m < x.sent.size(); ++m) {
            if (x.has_arrived(static_cast<int>(m)) && quiet) {
                x.sent[m] = static_cast<std::uint8_t>(what().sends);
            }
            if (x.has_arrived(static_cast<int>(m)) || x.sent[m] >= what().sends) {
                x.lost = static_cast<std::uint8_t>(x.lost & ~(1U << m));
            }
        }
        return x;
    }
    /// ESP of this exchange is forwarded by the packet path alone, and stays so.
    [[nodiscard]] bool sends_alone(std::size_t t, std::size_t k) const noexcept {
        const state_type& m = memory();
        for (std::uint32_t f = m.pair_at(pairs_[t]).first_flow; f != npos; f = m.flows[f].next) {
            const auto& flow = m.flows[f];
            if (flow.has(nat::flow_flag::has_outbound) && flow.outbound.selector == spi_out(t, k).value) {
                return !flow.has(nat::flow_flag::consult) && flow.state == static_cast<std::uint8_t>(alg::esp_mark::plain) &&
                       !may_be_taken_back(f);
            }
        }
        return false;
    }
    /// E11, E13: the binding of a surplus SPI, and each of an exchange that was satisfied while it was silent, may end.
    [[nodiscard]] bool may_be_taken_back(std::uint32_t f) const noexcept {
        if (f == npos) {
            return false;
        }
        const auto& flow = memory().flows[f];
        if (flow.session != npos && flow.session == guess_of(memory().pair_at(flow.owner).slot)) {
            return true;
        }
        if (!may_have_surplus()) {
            return false;
        }
        return flow.state == static_cast<std::uint8_t>(alg::esp_mark::surplus) ||
               (flow.session != npos && memory().exchange_at(flow.session).guessed);
    }
    /// The exchange of which an unknown SPI may still refute the binding (E13), npos when there is none.
    [[nodiscard]] std::uint32_t guess_of(std::uint32_t si) const noexcept {
        const auto& s = memory().slot_at(si);
        const bool open = s.guess != npos && now_ < s.guess_end && memory().exchange_at(s.guess).guessed &&
                          memory().exchange_at(s.guess).outbound_flow == npos;
        return open ? s.guess : npos;
    }
    /// The client has all it wants, for good: it neither holds nor waits, each exchange is satisfied and each of its SPIs known.
    [[nodiscard]] bool is_quiet(std::size_t t) const noexcept {
        const state_type& m = memory();
        const auto& p = m.pair_at(pairs_[t]);
        if (!practical() || m.slot_at(p.slot).holder == pairs_[t] || p.in_ike_queue || p.in_esp_queue ||
            p.exchanges != exchanges(t)) {
            return false;
        }
        for (std::uint32_t xi = p.first_exchange; xi != npos; xi = m.exchange_at(xi).next) {
            if (m.exchange_at(xi).state != alg::exchange_state::satisfied || !sends_alone(t, m.exchange_at(xi).message_id / 4 - 4)) {
                return false;
            }
        }
        return true;
    }
    /// No exchange can come to so many tenures that it is called one-way (G12): each begins with another ESP packet.
    [[nodiscard]] bool never_one_way() const noexcept {
        return what().unlimited || what().esp_out * most_exchanges < what().settings.learning_tenures;
    }
    /// Only an IKEv2 exchange can have an SPI that moves (E11).
    [[nodiscard]] bool may_have_surplus() const noexcept {
        for (std::size_t t = 0; t < tunnels(); ++t) {
            for (const script s : what().tunnels[t].exchanges) {
                if (text_of(s).type != wire::exchange_type::quick_mode && s != script::midstream) {
                    return true;
                }
            }
        }
        return false;
    }
    /// How far time can move, zero where it has no end. Each packet begins or prolongs one tenure at most, and only during tenures does it move.
    [[nodiscard]] duration time_left() const noexcept {
        if (what().unlimited) {
            return duration{};
        }
        const alg::alg_settings& set = what().settings;
        const duration wait = set.phase2_max_hold;
        const duration gate = duration{set.esp_gate_timeout} + set.learn_timeout + what().round_trip;
        duration left = (wait + 2 * gate) * static_cast<std::int64_t>(memory().slots().size());
        memory().held().for_each([&](std::uint32_t, const auto&) { left += wait; });
        for (std::size_t t = 0; t < tunnels(); ++t) {
            for (std::size_t k = 0; k < exchanges(t); ++k) {
                const script_text& text = text_of(what().tunnels[t].exchanges[k]);
                const exchange_truth x = essence(t, k);
                for (std::size_t m = 0; m < text.messages.size(); ++m) {
                    const bool request = text.type == wire::exchange_type::create_child_sa && text.messages[m].from_client;
                    left += (request ? wait : gate) * static_cast<std::int64_t>(what().sends - x.sent[m]);
                }
                left += gate * static_cast<std::int64_t>(what().esp_out - x.esp_out);
                left += gate * static_cast<std::int64_t>(what().esp_in - x.esp_in);
            }
        }
        return left;
    }

    void list_actions(std::vector<action>& out) const { list_actions(out, what().reduced); }
    /// `reduced`: without those that change nothing.
    void list_actions(std::vector<action>& out, bool reduced) const {
        out.clear();
        using what_ = action::what;
        for (std::uint8_t t = 0; t < tunnels(); ++t) {
            for (std::uint8_t k = 0; k < exchanges(t) && !ended_[t]; ++k) {
                const exchange_truth x = reduced ? essence(t, k) : truth_[t][k];
                const auto messages = text_of(what().tunnels[t].exchanges[k]).messages;
                for (std::uint8_t m = 0; m < messages.size(); ++m) {
                    const bool asked = m == 0 || x.has_arrived(m - 1);
                    const bool answered = x.has_arrived(m + 1);
                    const bool in_time =
                        messages[m].from_client || m == 0 || now_ >= x.arrived_at[m - 1U] + what().round_trip;
                    if (!asked || answered || !in_time || x.sent[m] >= what().sends) {
                        continue;
                    }
                    out.push_back({what_::send, t, k, m});
                    if (what().loss && ((x.lost >> m & 1) == 0 || what().unlimited) && !x.has_arrived(m)) {
                        out.push_back({what_::send_lost, t, k, m});
                    }
                }
                if (client_up(t, k) && x.esp_out < what().esp_out) {
                    out.push_back({what_::esp_out, t, k, 0});
                    if (what().loss && !what().server_first && !x.esp_lost && !x.esp_arrived) {
                        out.push_back({what_::esp_out_lost, t, k, 0});
                    }
                }
                if (server_up(t, k) && x.esp_in < what().esp_in && now_ >= server_ready(t, k)) {
                    out.push_back({what_::esp_in, t, k, 0});
                }
            }
        }
        for (std::uint8_t t = 0; t < tunnels() && what().ends; ++t) {
            if (!ended_[t]) {
                out.push_back({what_::end, t, 0, 0});
            }
        }
        const auto next = gateway_.next_slot_timer();
        const instant ready = next_ready();
        if (ready != instant::max() && (!next || ready < *next)) {
            out.push_back({what_::wait});
        } else if (next) {
            out.push_back({what_::timer});
        }
        if (pauses_ < what().pauses && next && half_way() > now_ && (ready == instant::max() || half_way() < ready)) {
            out.push_back({what_::pause});
        }
    }
    [[nodiscard]] instant half_way() const noexcept { return now_ + (*gateway_.next_slot_timer() - now_) / 2; }

    void act(const action& a) {
        look_around();
        using what_ = action::what;
        switch (a.kind) {
            case what_::send:
            case what_::send_lost: send(a.tunnel, a.exchange, a.message, a.kind == what_::send_lost); break;
            case what_::esp_out:
            case what_::esp_out_lost: send_esp(a.tunnel, a.exchange, a.kind == what_::esp_out_lost); break;
            case what_::esp_in: receive_esp(a.tunnel, a.exchange); break;
            case what_::timer: run_timers(*gateway_.next_slot_timer()); break;
            case what_::wait: run_timers(next_ready()); break;
            case what_::pause:
                ++pauses_;
                run_timers(half_way());
                break;
            case what_::end: end_sessions(a.tunnel); break;
        }
        if (a.kind >= what_::timer) {
            note_late();
        }
        judge();
    }
    /// Time moves to `to`, at which a timer runs or none.
    void pass_time(instant to) {
        look_around();
        run_timers(to);
        note_late();
        judge();
    }

    /// Runs the timers that are due at `to`.
    void run_timers(instant to) {
        now_ = to > now_ ? to : now_;
        gateway_.set_time(now_);
        for (int rounds = 0; gateway_.run_slot_timers(16); ++rounds) {
            if (rounds == 16) {
                around_->fail("timers stay due");
                return;
            }
        }
    }
    /// Takes what the gateway gave back.
    void drain() {
        state_type& m = gateway_.memory();
        for (std::uint32_t h = m.next_released(); h != npos; h = m.next_released()) {
            auto& held = m.held_at(h);
            if (held.packet.empty()) {
                around_->fail("an empty handle came back");
            } else if (held.reason == drop_reason::none) {
                went_on(held.packet, false);
            }
            m.free_held(h);
        }
    }
    /// Ends everything, as the gateway does when all idle timers have run. What ends may let others go on.
    void end_all() {
        state_type& m = gateway_.memory();
        std::vector<std::uint32_t> live;
        m.sessions().for_each([&](std::uint32_t i, const auto&) { live.push_back(i); });
        for (const std::uint32_t i : live) {
            gateway_.end_session(i);
            drain();
        }
        for (std::size_t t = 0; t < tunnels(); ++t) {
            while (m.pair_at(pairs_[t]).first_flow != npos) {
                gateway_.end_esp_flow(m.pair_at(pairs_[t]).first_flow);
            }
            gateway_.end_pair(pairs_[t]);
            drain();
        }
    }

private:
    /// The client and its server fall silent, and its IKE sessions have been idle for long enough, at whatever moment.
    void end_sessions(std::size_t t) {
        ended_[t] = true;
        while (memory().pair_at(pairs_[t]).first_session != npos) {
            gateway_.end_session(memory().pair_at(pairs_[t]).first_session);
        }
    }
    void look_around() {
        around_->log.clear();
        for (std::size_t t = 0; t < tunnels(); ++t) {
            const std::uint32_t s = memory().pair_at(pairs_[t]).slot;
            holder_before_[t] = memory().slot_at(s).holder;
            state_before_[t] = memory().slot_at(s).state;
            began_before_[t] = memory().slot_at(s).began;
        }
    }
    void judge() {
        drain();
        judge_bindings();
        judge_owners();
        forget_samples();
        if (what().unlimited) {
            remember_contested();
        }
    }
    /// Where time has no end, a contested binding is remembered for ever (E11: 300 s): histories with such a silence are not explored.
    void remember_contested() {
        for (std::size_t t = 0; t < tunnels(); ++t) {
            const std::uint32_t si = memory().pair_at(pairs_[t]).slot;
            if (contested_until_[si] != instant{}) {
                gateway_.memory().slot_at(si).contested_until = contested_until_[si] = instant::max();
            }
        }
    }
    [[nodiscard]] alg::capacities capacities() const noexcept {
        alg::capacities c;
        c.flows = tunnels() <= 4 ? 20 : 48;
        c.pairs = static_cast<std::uint32_t>(tunnels());
        c.slots = c.pairs;
        c.sessions = 2 * c.pairs;
        c.exchanges = 4 * c.pairs;
        c.held = tunnels() <= 4 ? 24 : 64;
        return c;
    }

    /// IKE sessions: seen in both directions with a round trip as the plan has it, or not at all.
    void begin(std::size_t t) {
        if (!what().proven) {
            return;
        }
        for (const unsigned version : {1U, 2U}) {
            bool used = false;
            for (const script s : what().tunnels[t].exchanges) {
                used = used || version_of(s) == version;
            }
            if (!used) {
                continue;
            }
            const auto type = version == 1 ? wire::exchange_type::main_mode : wire::exchange_type::ike_sa_init;
            pass_ike(t, version, type, {true, false, 100, 0}, 0, parcel(0, 0, 0, false), true);
            now_ += what().round_trip;
            gateway_.set_time(now_);
            pass_ike(t, version, type, {false, true, 100, 0}, 0, parcel(0, 0, 0, false), false);
            pass_ike(t, version, wire::exchange_type::informational_v1, {true, false, 100, 0}, 99,
                     parcel(0, 0, 0, false), false);
        }
        if (what().round_trip != duration{}) {  // this server has answered ESP before (E4)
            state_type& m = gateway_.memory();
            for (int i = 0; i < 16; ++i) {
                m.slot_at(m.pair_at(pairs_[t]).slot).rtt.esp_sample(what().round_trip);
            }
        }
    }
    [[nodiscard]] static unsigned version_of(script s) noexcept {
        return s == script::quick_client || s == script::quick_server ? 1 : 2;
    }

    /// Builds a message and shows it to the gateway.
    alg::decision pass_ike(std::size_t t, unsigned version, wire::exchange_type type, script_message m,
                           std::uint32_t id, parcel&& handle, bool first) {
        std::array<std::uint8_t, 200> bytes{};
        const std::uint64_t initiator = 0x100 + t * 16 + version;
        const std::uint64_t responder = first ? 0 : initiator + 0x1'0000;
        store(bytes, 0, initiator, 8);
        store(bytes, 8, responder, 8);
        bytes[17] = static_cast<std::uint8_t>(version << 4);
        bytes[18] = static_cast<std::uint8_t>(
            version == 2 && type == wire::exchange_type::informational_v1 ? wire::exchange_type::informational : type);
        bytes[19] = static_cast<std::uint8_t>(version == 2 && m.response ? 0x20 : version == 1 && id != 0 ? 1 : 0);
        store(bytes, 20, id, 4);
        store(bytes, 24, m.size, 4);
        const auto parsed = wire::ike_view::parse(std::span<const std::uint8_t>(bytes.data(), m.size));
        gateway_type::at_hand hand{handle, m.size, m.from_client ? nat::direction::outbound : nat::direction::inbound};
        const auto d = m.from_client ? gateway_.ike_outbound(pairs_[t], parsed.view, npos, false, false, hand)
                                     : gateway_.ike_inbound(pairs_[t], parsed.view, npos, false, false, hand);
        if (handle.empty() != (d.act == alg::decision::what::held)) {
            around_->fail("a handle is moved from exactly when it is held");
        }
        return d;
    }
    static void store(std::array<std::uint8_t, 200>& bytes, std::size_t at, std::uint64_t value,
                      std::size_t size) noexcept {
        for (std::size_t i = 0; i < size; ++i) {
            bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
        }
    }

    void send(std::uint8_t t, std::uint8_t k, std::uint8_t m, bool lost) {
        const script s = what().tunnels[t].exchanges[k];
        const script_text& text = text_of(s);
        exchange_truth& x = truth_[t][k];
        x.sent[m] = what().unlimited ? 1 : static_cast<std::uint8_t>(x.sent[m] + 1);
        if (lost && !what().unlimited) {
            x.lost = static_cast<std::uint8_t>(x.lost | 1U << m);
        }
        parcel p(t, k, m, lost);
        const auto d = pass_ike(t, version_of(s), text.type, text.messages[m], 0x10U + 4U * k + text.messages[m].id,
                                std::move(p), false);
        if (d.act == alg::decision::what::forward) {
            went_on(p, true);
        }
        if (what().alone && d.act != alg::decision::what::forward) {
            around_->fail("G9: a client alone on its slot was held or refused");
        }
    }
    void send_esp(std::uint8_t t, std::uint8_t k, bool lost) {
        exchange_truth& x = truth_[t][k];
        x.esp_out = static_cast<std::uint8_t>(x.esp_out + (what().unlimited ? 0 : 1));
        x.esp_lost = x.esp_lost || lost;
        parcel p(t, k, parcel::esp, lost);
        const spi value = spi_out(t, k);
        const state_type& m = memory();
        const auto found = m.flows.find(alg::bindings<state_type>::outbound_key(m.pair_at(pairs_[t]), value));
        alg::decision d;
        if (!found || m.flows[found.index].has(nat::flow_flag::consult)) {
            d = gateway_.esp_outbound(pairs_[t], value, found.index, {p, 100, nat::direction::outbound});
        }
        if (d.act == alg::decision::what::forward) {
            went_on(p, true);
        }
        if (p.empty() != (d.act == alg::decision::what::held)) {
            around_->fail("a handle is moved from exactly when it is held");
        }
        if (what().alone && practical() && d.act != alg::decision::what::forward) {
            around_->fail("G5: ESP of a client alone on its slot was held or dropped");
        }
    }
    void receive_esp(std::uint8_t t, std::uint8_t k) {
        exchange_truth& x = truth_[t][k];
        x.esp_in = static_cast<std::uint8_t>(x.esp_in + (what().unlimited ? 0 : 1));
        const spi value = spi_in(t, k);
        const state_type& m = memory();
        if (inbound_flow(t, k) != npos) {
            return;  // judge_owners has said whose it is
        }
        note_others();
        const std::uint32_t s = m.pair_at(pairs_[t]).slot;
        const bool holds = m.slot_at(s).holder == pairs_[t];
        const auto state = m.slot_at(s).state;
        answer_ = x.esp_arrived && now_ >= x.esp_arrived_at + what().round_trip;
        early_ = what().round_trip != duration{} && (!answer_ || x.late || x.robbed);
        const std::uint64_t flood = m.counts[alg::counter::learn_flood];
        const auto owner = gateway_.esp_inbound(s, value, x.esp_in);
        if (m.counts[alg::counter::learn_flood] != flood) {
            ++around_->flooded;
            if (owner.pair != npos) {
                around_->fail("L7: an SPI of a flood was bound at once");
            }
            return;
        }
        if (owner.pair == npos) {
            around_->ambiguous += owner.reason == drop_reason::esp_ambiguous ? 1U : 0U;
            const bool expected = holds && (state == alg::slot_state::gate || state == alg::slot_state::learning);
            if (expected && !early_ && !(strict() && (others_might_send_[t] || others_robbed_[t]))) {
                around_->fail("the holder's own SPI was dropped");
            }
            if (what().alone && practical() && owner.reason != drop_reason::esp_early) {
                around_->fail("G5: ESP for a client alone on its slot was dropped");
            }
        } else if (owner.pair != pairs_[t] && holds && state != alg::slot_state::wait && !early_) {
            around_->fail("the holder's own SPI went to another client");
        }
    }

    /// A packet went through the gateway.
    void went_on(const parcel& p, bool at_once) {
        const std::uint8_t t = p.tunnel();
        exchange_truth& x = truth_[t][p.exchange()];
        if (p.message() != parcel::esp) {
            const std::uint8_t m = p.message();
            x.repeated = x.repeated || (m == 0 && (x.has_passed(1) || has_asked(t, p.exchange())));
            x.passed = static_cast<std::uint8_t>(x.passed | 1U << m);
            if (!p.lost() && !x.has_arrived(m)) {
                x.arrived = static_cast<std::uint8_t>(x.arrived | 1U << m);
                x.arrived_at[m] = now_;
            }
            return;
        }
        x.esp_left = true;
        if (!p.lost() && !x.esp_arrived) {
            x.esp_arrived = true;
            x.esp_arrived_at = now_;
        }
        if (!practical()) {
            return;
        }
        const state_type& m = memory();
        const auto& pr = m.pair_at(pairs_[t]);
        const auto flow = m.flows.find(alg::bindings<state_type>::outbound_key(pr, spi_out(t, p.exchange())));
        if (!flow) {
            around_->fail("ESP went on without a binding");
            return;
        }
        const std::uint32_t xi = m.flows[flow.index].session;
        note_swapped(t, p.exchange(), xi);
        const bool unsatisfied = xi != npos && m.exchange_at(xi).state != alg::exchange_state::satisfied;
        if (unsatisfied && !m.exchange_at(xi).one_way && m.slot_at(pr.slot).holder != pairs_[t]) {
            around_->fail("ESP of an unsatisfied exchange went on without the slot");
        }
        if (at_once && unsatisfied && pr.first_message != npos && m.slot_at(pr.slot).holder != pairs_[t]) {
            around_->fail("G4: ESP overtook its client's enabling message");
        }
    }

    /// Where the plan has no round trip the gateway sees none: a timer that ran between two packets is none.
    void forget_samples() {
        if (what().round_trip == duration{}) {
            state_type& m = gateway_.memory();
            for (std::size_t t = 0; t < tunnels(); ++t) {
                m.slot_at(m.pair_at(pairs_[t]).slot).rtt = {};
                for (std::uint32_t i = m.pair_at(pairs_[t]).first_session; i != npos; i = m.session_at(i).next) {
                    m.session_at(i).sample_valid = false;
                }
            }
        }
    }

    /// A client whose tenure ended by its timer: what answers its ESP from now on comes too late.
    void note_late() {
        for (std::size_t t = 0; t < tunnels(); ++t) {
            const auto& s = memory().slot_at(memory().pair_at(pairs_[t]).slot);
            if (holder_before_[t] == pairs_[t] && (s.holder != pairs_[t] || s.began != began_before_[t])) {
                for (exchange_truth& x : truth_[t]) {
                    x.late = x.late || x.esp_left;
                }
            }
        }
    }

    /// The flow that the inbound SPI is bound to, npos when it is not.
    [[nodiscard]] std::uint32_t inbound_flow(std::size_t t, std::size_t k) const noexcept {
        const auto found = memory().flows.find({server_address(t), nat_address(t), spi_in(t, k).value, outside,
                                                static_cast<std::uint8_t>(ip_protocol::esp), 0});
        return found ? found.index : npos;
    }
    /// Whom the packet path gives what servers send on bound SPIs.
    void judge_owners() {
        for (std::size_t t = 0; t < tunnels(); ++t) {
            for (std::size_t k = 0; k < exchanges(t); ++k) {
                const exchange_truth& x = truth_[t][k];
                const std::uint32_t flow = x.bound_to == exchange_truth::none ? npos : inbound_flow(t, k);
                const std::uint32_t owner = flow == npos ? npos : memory().flows[flow].owner;
                if (x.bound_to != exchange_truth::none && owner != pairs_[x.bound_to]) {
                    around_->fail("an SPI is not where the gateway said");
                }
                if (practical() && owner != npos && owner != pairs_[t] && !x.contested) {
                    around_->fail("an SPI comes to a wrong client without a contested binding");
                }
            }
        }
    }
    /// The gateway's words about bindings, against the truth.
    void judge_bindings() {
        using kind = alg::event_kind;
        for (std::size_t i = 0; i < around_->log.size(); ++i) {
            const told& e = around_->log[i];
            if (e.kind == kind::one_way) {
                ++around_->one_way;
            } else if (e.kind == kind::spi_taken_back) {
                const auto [t, k] = owner_of(e.value.value);
                truth_[t][k].bound_to = exchange_truth::none;
                if (!truth_[t][k].contested) {
                    around_->fail("E11: an SPI was taken back that was not contested");
                }
            } else if (e.kind != kind::spi_contested) {
                judge_binding(i);
            }
        }
    }
    void judge_binding(std::size_t i) {
        const told& e = around_->log[i];
        const auto [t, k] = owner_of(e.value.value);
        exchange_truth& x = truth_[t][k];
        bool contested = false;
        for (const told& other : around_->log) {
            contested = contested || (other.kind == alg::event_kind::spi_contested && other.value == e.value);
        }
        const bool right = client_address(t) == e.client && server_address(t) == e.server;
        std::size_t to = t;
        for (std::size_t u = 0; u < tunnels() && !right; ++u) {
            to = client_address(u) == e.client && server_address(u) == e.server ? u : to;
        }
        const bool moved = x.bound_to != exchange_truth::none;
        if (strict() && (contested || !right)) {
            around_->fail("E11: contested or wrong, although what is contested is dropped");
        }
        if (contested && !moved) {
            ++around_->contested;
            around_->contested_right += right ? 1U : 0U;
            judge_contested(to);
        }
        if (!contested && !moved && practical()) {
            judge_uncontested(to);
        }
        if (right) {
            const std::uint32_t flow = inbound_flow(t, k);
            note_swapped(t, k, flow != npos ? memory().flows[flow].session : npos);
        }
        if (!right) {
            ++around_->misbindings;
            judge_misbinding(t, k, to, contested, moved);
        }
        x.bound_to = static_cast<std::uint8_t>(to);
        x.contested = contested;
    }
    /// An SPI of one exchange was taken for another one's of the same client: what the other's is when it comes, the gateway cannot know.
    void note_swapped(std::size_t t, std::size_t k, std::uint32_t xi) {
        if (exchanges(t) > 1 && xi != npos && memory().exchange_at(xi).message_id / 4 != 4 + k) {
            for (exchange_truth& each : truth_[t]) {
                each.robbed = true;
            }
        }
    }
    void judge_misbinding(std::size_t t, std::size_t k, std::size_t to, bool contested, bool moved) {
        const exchange_truth& x = truth_[t][k];
        if (memory().pair_at(pairs_[t]).slot != memory().pair_at(pairs_[to]).slot) {
            around_->fail("G9: an SPI was bound to a client of another slot");
        }
        if (!practical()) {
            if (holder_before_[t] == pairs_[t]) {
                around_->fail("junos: the holder's SPI was given away");
            }
            return;
        }
        if (!contested) {
            around_->fail("an SPI was bound to a wrong client and not marked contested");
        } else if (!moved && holder_before_[t] == pairs_[t] && state_before_[t] != alg::slot_state::wait && !early_) {
            around_->fail("the holder's SPI was bound to another client");
        } else if (!moved && answer_ && !x.late && !x.robbed) {
            around_->fail("an answer in time was bound to a wrong client");
        }
        for (exchange_truth& each : truth_[to]) {
            each.robbed = true;
        }
    }
    /// Whether the server of another client of the slot may send, as far as what passed the gateway tells; before a packet is looked at.
    void note_others() noexcept {
        for (std::size_t to = 0; to < tunnels(); ++to) {
            others_might_send_[to] = others_may_for_sure_[to] = others_robbed_[to] = false;
            for (std::size_t t = 0; t < tunnels(); ++t) {
                const bool other = t != to && memory().pair_at(pairs_[t]).slot == memory().pair_at(pairs_[to]).slot;
                for (std::size_t k = 0; k < exchanges(t) && other; ++k) {
                    const bool refused = what().tunnels[t].exchanges[k] == script::child_refused && truth_[t][k].has_passed(1);
                    others_might_send_[to] = others_might_send_[to] || may_send(t, k);
                    others_may_for_sure_[to] = others_may_for_sure_[to] || (may_send(t, k) && !refused && !truth_[t][k].robbed);
                    others_robbed_[to] = others_robbed_[to] || truth_[t][k].robbed;
                }
            }
        }
    }
    /// What could be another's is contested. With a round trip or with answers only the gateway, or the plan, knows better (E4).
    void judge_uncontested(std::size_t to) {
        if (what().server_first && what().round_trip == duration{} && others_may_for_sure_[to]) {
            around_->fail("not contested, though another's server might have sent");
        }
    }
    /// Contested is only what could be another's.
    void judge_contested(std::size_t to) {
        const std::uint32_t slot = memory().pair_at(pairs_[to]).slot;
        const bool others = now_ < contested_until_[slot] || others_might_send_[to] || others_robbed_[to];
        if (!others && state_before_[to] != alg::slot_state::settle) {  // a further SPI in settle always is (G13)
            around_->fail("contested, though no other server might have sent");
        }
        contested_until_[slot] = now_ + std::chrono::seconds{300};  // it may have been another's: that one still waits
        if (what().alone) {
            around_->fail("G9: contested on a slot of one client");
        }
    }

    [[nodiscard]] instant server_ready(std::size_t t, std::size_t k) const noexcept {
        const exchange_truth& x = truth_[t][k];
        if (!what().server_first) {
            return x.esp_arrived && !(what().prompt && x.late) ? x.esp_arrived_at + what().round_trip : instant::max();
        }
        const script s = what().tunnels[t].exchanges[k];
        return s == script::midstream
                   ? start
                   : x.arrived_at[static_cast<std::size_t>(text_of(s).server_up)] + what().round_trip;
    }
    /// The next moment at which something of a server can reach the gateway.
    [[nodiscard]] instant next_ready() const noexcept {
        instant next = instant::max();
        if (what().round_trip == duration{}) {
            return next;
        }
        const auto consider = [&](instant at) {
            if (at > now_ && at < next) {
                next = at;
            }
        };
        for (std::size_t t = 0; t < tunnels(); ++t) {
            for (std::size_t k = 0; k < exchanges(t); ++k) {
                const exchange_truth x = essence(t, k);
                const auto messages = text_of(what().tunnels[t].exchanges[k]).messages;
                for (std::size_t m = 1; m < messages.size(); ++m) {
                    if (!messages[m].from_client && x.has_arrived(static_cast<int>(m) - 1) &&
                        x.sent[m] < what().sends) {
                        consider(x.arrived_at[m - 1] + what().round_trip);
                    }
                }
                if (server_up(t, k) && x.esp_in < what().esp_in) {
                    const instant ready = server_ready(t, k);
                    if (ready != instant::max()) {
                        consider(ready);
                    }
                }
            }
        }
        return next;
    }

    surroundings* around_;
    gateway_type gateway_;
    instant now_ = start;
    unsigned pauses_ = 0;
    std::array<bool, most_tunnels> ended_{};
    std::array<std::uint32_t, most_tunnels> pairs_{};
    std::array<std::array<exchange_truth, most_exchanges>, most_tunnels> truth_{};
    std::array<std::uint32_t, most_tunnels> holder_before_{};
    std::array<alg::slot_state, most_tunnels> state_before_{};
    std::array<instant, most_tunnels> began_before_{};
    std::array<bool, most_tunnels> others_might_send_{};
    std::array<bool, most_tunnels> others_may_for_sure_{};  ///< without those whose refusal passed, or whose ESP was taken for another exchange's
    std::array<bool, most_tunnels> others_robbed_{};
    bool answer_ = false;  ///< the ESP at hand answers ESP of its client
    bool early_ =
        false;  ///< it is no answer to the tenure that runs and may come too early for one: E5 decides without the holder (E4)
    std::array<instant, most_tunnels> contested_until_{};  ///< of each slot

    friend class digest_maker;
};

}  // namespace ikealg::tests::model

#endif
