package stream.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

/**
 * Which requests have one of the other group nearby, and which runs alternate. Each letter of a text is a request, one after the
 * other.
 */
class SimultaneityTest {

    private static List<Simultaneity.Flight> flights(String order, char group, double seconds) {
        return IntStream.range(0, order.length()).filter(i -> order.charAt(i) == group)
                .mapToObj(i -> new Simultaneity.Flight(i, i + seconds)).toList();
    }

    private static Simultaneity of(String order) {
        return new Simultaneity(List.of(flights(order, 'a', 0.5)), List.of(flights(order, 'b', 0.5)));
    }

    @Test
    void modelsInTurnsAreAtTheSameTimeAndOneAfterTheOtherAreNot() {
        assertEquals(1, of("abbaabab").share());
        assertTrue(of("abbaabab").isGiven(false));
        assertEquals(1 / 6.0, of("aaaaaabbbbbb").share(), 1e-12);
        assertFalse(of("aaaaaabbbbbb").isGiven(false));
        assertFalse(of("aaabbb").isGiven(false), "of three, one is next to one of the other");
    }

    @Test
    void oneRetryAtTheEndOfManyDoesNotMakeThemSimultaneous() {
        var order = "a".repeat(60) + "b".repeat(60) + "a";
        assertTrue(of(order).share() < 0.1, String.valueOf(of(order).share()));
        assertFalse(of(order).isGiven(false));
    }

    @Test
    void amongManyALateStartDoesNotSeparateWhatIsInTurns() {
        assertTrue(of("ab".repeat(10) + "aabb" + "ab".repeat(10)).isGiven(false));
        assertTrue(of("ab".repeat(20) + "aaab").share() > 0.9);
    }

    /** Ten requests of one for each of the other, all in flight together. */
    @Test
    void whatIsInFlightAtTheSameTimeIsNearby() {
        var quick = IntStream.range(0, 100).mapToObj(i -> new Simultaneity.Flight(i, i + 0.5)).toList();
        var slow = IntStream.range(0, 10).mapToObj(i -> new Simultaneity.Flight(i * 10, i * 10 + 9.9)).toList();
        assertEquals(1, new Simultaneity(List.of(quick), List.of(slow)).share());
        var after = IntStream.range(0, 10).mapToObj(i -> new Simultaneity.Flight(200 + i, 201 + i)).toList();
        assertTrue(new Simultaneity(List.of(quick), List.of(after)).share() < 0.1);
    }

    private static boolean alternate(String order) {
        var runs = new ArrayList<List<Simultaneity.Flight>>();
        var others = new ArrayList<List<Simultaneity.Flight>>();
        for (int day = 0; day < order.length(); day++) {
            var start = day * 1000.0;
            (order.charAt(day) == 'a' ? runs : others).add(IntStream.range(0, 10)
                    .mapToObj(i -> new Simultaneity.Flight(start + i, start + i + 0.5)).toList());
        }
        Collection<List<Simultaneity.Flight>> own = runs;
        assertFalse(new Simultaneity(own, others).isGiven(false), "single requests are not in turns");
        return new Simultaneity(own, others).isGiven(true);
    }

    @Test
    void sidesOfRunsMayAlternate() {
        assertTrue(alternate("ababab"));
        assertTrue(alternate("abba"));
        assertTrue(alternate("abab"), "three of four pairs of runs have a first");
        assertTrue(alternate("bbbabbbbbabb"));
        assertFalse(alternate("aabb"));
        assertFalse(alternate("aaabbb"));
        assertFalse(alternate("bbbaaa"));
        assertFalse(alternate("aabbab"), "seven of nine");
    }
}
