//JAVA 25+
//SOURCES ../metric/Metric.java
//SOURCES ../metric/RequestStatus.java
//SOURCES ../record/GivenRun.java
//SOURCES ../record/RecordedRun.java

package stream.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

import stream.metric.Metric;
import stream.metric.RequestStatus;
import stream.record.GivenRun;

/**
 * Runs as people make them, of models that are equal but for a ratio. Spreads are standard deviations of the logarithm of a time. A
 * design is built by methods that return it, and not changed once data are drawn from it.
 */
final class RunDesign {

    private static final double MILLIS = 200;

    private final int[] repetitions; // of each prompt
    private final double promptSpread;
    private final double noise;
    private int models = 2;
    private double ratio = 1;
    private boolean heavyTails;
    private double load;
    private double correlation;
    private double drift;
    private boolean byModel;
    private boolean oneLate;
    private double dayOfModel;
    private double dayOfRun;
    private boolean dayOfSide;
    private int runs = 1;
    private String sides = "";
    private int slowestTimedOut;
    private boolean twoMetrics;

    private RunDesign(int[] repetitions, double promptSpread, double noise) {
        this.repetitions = repetitions;
        this.promptSpread = promptSpread;
        this.noise = noise;
    }

    /**
     * Two models in one run, in turns.
     *
     * @param promptSpread of the effect that a prompt has on each model, or side, alone
     * @param noise        of each request
     */
    static RunDesign of(int prompts, int repetitions, double promptSpread, double noise) {
        var each = new int[prompts];
        Arrays.fill(each, repetitions);
        return new RunDesign(each, promptSpread, noise);
    }

    /** The same with repetitions that differ from prompt to prompt. */
    static RunDesign ofUnequal(double promptSpread, double noise, int... repetitions) {
        return new RunDesign(repetitions, promptSpread, noise);
    }

    RunDesign models(int count) {
        models = count;
        return this;
    }

    /** The first model takes so many times as long as the others. */
    RunDesign ratio(double ofFirst) {
        ratio = ofFirst;
        return this;
    }

    /** The noise has three degrees of freedom. */
    RunDesign heavyTails() {
        heavyTails = true;
        return this;
    }

    /** Each model has load of its own, which goes on from request to request. */
    RunDesign load(double spread, double correlationToNext) {
        load = spread;
        correlation = correlationToNext;
        return this;
    }

    /** Times grow by this share over all that is measured. */
    RunDesign drift(double share) {
        drift = share;
        return this;
    }

    /** One model is measured after the other. */
    RunDesign oneAfterTheOther() {
        byModel = true;
        return this;
    }

    /** One request of the first model is sent again, at the very end. */
    RunDesign oneLate() {
        oneLate = true;
        return this;
    }

    /** Both models are asked in each of several runs, and each day suits one of them better. */
    RunDesign days(int count, double spread) {
        runs = count;
        dayOfModel = spread;
        return this;
    }

    /** One model in runs of sides A and B, in this order, such as ABAB; each run has a day of its own. */
    RunDesign sides(String order, double spread) {
        sides = order;
        dayOfRun = spread;
        return this;
    }

    /** All runs of a side are on one day. */
    RunDesign sidesOnOneDayEach() {
        dayOfSide = true;
        return this;
    }

    /** So many of the slowest requests of the first model have timed out. */
    RunDesign timedOut(int count) {
        slowestTimedOut = count;
        return this;
    }

    /** The last token is measured too, independently of the first. */
    RunDesign twoMetrics() {
        twoMetrics = true;
        return this;
    }

    boolean hasSides() {
        return !sides.isEmpty();
    }

    private int size() {
        return Arrays.stream(repetitions).sum();
    }

    /** Draws runs; those of sides have the side as the first letter of their title. */
    List<GivenRun> draw(SplittableRandom random) {
        return hasSides() ? drawSides(random) : drawModels(random);
    }

    private List<GivenRun> drawModels(SplittableRandom random) {
        var effects = effects(random, models);
        var drawn = new ArrayList<GivenRun>();
        var clock = new Clock((double) runs * models * size());
        for (int run = 0; run < runs; run++) {
            var labels = new ArrayList<String>();
            var series = new ArrayList<Series>();
            for (int model = 0; model < models; model++) {
                labels.add("m" + model);
                series.add(new Series(random, effects[model], dayOfModel * random.nextGaussian()
                        + (model == 0 ? Math.log(ratio) : 0)));
            }
            var requests = new ArrayList<Request>();
            for (var turn : turns(random)) {
                requests.add(series.get(turn.model()).next("m" + turn.model(), turn.prompt(), turn.repetition(), clock));
            }
            drawn.add(run("run" + run, labels, requests, clock));
        }
        return drawn;
    }

    private List<GivenRun> drawSides(SplittableRandom random) {
        var effects = effects(random, 2);
        var dayOfSides = new double[] {dayOfRun * random.nextGaussian(), dayOfRun * random.nextGaussian()};
        var drawn = new ArrayList<GivenRun>();
        var clock = new Clock((double) sides.length() * size());
        for (int run = 0; run < sides.length(); run++) {
            var side = sides.charAt(run) - 'A';
            var series = new Series(random, effects[side], (dayOfSide ? dayOfSides[side] : dayOfRun * random.nextGaussian())
                    + (side == 0 ? Math.log(ratio) : 0));
            var requests = new ArrayList<Request>();
            for (int repetition = 1; repetition <= most(); repetition++) {
                for (int prompt = 0; prompt < repetitions.length; prompt++) {
                    if (repetition <= repetitions[prompt]) {
                        requests.add(series.next("m", prompt, repetition, clock));
                    }
                }
            }
            drawn.add(run(sides.charAt(run) + "" + run, List.of("m"), requests, clock));
        }
        return drawn;
    }

    private int most() {
        return Arrays.stream(repetitions).max().orElseThrow();
    }

    private double[][] effects(SplittableRandom random, int groups) {
        var effects = new double[groups][repetitions.length];
        for (var ofGroup : effects) {
            Arrays.setAll(ofGroup, prompt -> promptSpread * random.nextGaussian());
        }
        return effects;
    }

    private record Turn(int model, int prompt, int repetition) { }

    private List<Turn> turns(SplittableRandom random) {
        var turns = new ArrayList<Turn>();
        for (int repetition = 1; repetition <= most(); repetition++) {
            for (int prompt = 0; prompt < repetitions.length; prompt++) {
                if (repetition <= repetitions[prompt]) {
                    var first = random.nextInt(models);
                    for (int model = 0; model < models; model++) {
                        turns.add(new Turn((first + model) % models, prompt, repetition));
                    }
                }
            }
        }
        if (byModel) {
            turns.sort(Comparator.comparingInt(Turn::model));
        }
        return turns;
    }

    /** A request that was made; the second time is NaN if it is not measured. */
    private record Request(String model, String prompt, int repetition, double start, double first, double last) { }

    private GivenRun run(String title, List<String> labels, List<Request> requests, Clock clock) {
        var timedOut = requests.stream().filter(request -> request.model().equals(labels.getFirst()))
                .sorted(Comparator.comparingDouble(Request::first).reversed()).limit(slowestTimedOut).toList();
        var run = new GivenRun(title, labels);
        for (int i = 0; i < requests.size(); i++) {
            var request = requests.get(i);
            var times = new HashMap<Metric, Double>(Map.of(Metric.TTFT, request.first(), Metric.TOTAL, request.first()));
            if (twoMetrics) {
                times.put(Metric.TTLT, request.last());
            }
            var isLate = oneLate && i == requests.size() / 4;
            run.add(request.model(), request.prompt(), request.repetition(),
                    timedOut.contains(request) ? RequestStatus.TIMEOUT : RequestStatus.COMPLETED,
                    isLate ? clock.now + 1 : request.start(), timedOut.contains(request) ? Map.of() : times);
        }
        return run;
    }

    /** Requests follow each other. */
    private static final class Clock {
        private final double requests;
        private double now;
        private int made;

        Clock(double requests) {
            this.requests = requests;
        }
    }

    /** The times of one model in one run. */
    private final class Series {
        private final SplittableRandom random;
        private final double[] effects;
        private final double level;
        private double loadNow;

        Series(SplittableRandom random, double[] effects, double level) {
            this.random = random;
            this.effects = effects;
            this.level = level;
            this.loadNow = load * random.nextGaussian();
        }

        Request next(String model, int prompt, int repetition, Clock clock) {
            var drifted = Math.log1p(drift * clock.made / clock.requests);
            var first = MILLIS * Math.exp(level + effects[prompt] + noise() + loadNow + drifted);
            var last = twoMetrics ? 5 * MILLIS * Math.exp(noise()) : Double.NaN;
            loadNow = correlation * loadNow + load * Math.sqrt(1 - correlation * correlation) * random.nextGaussian();
            var request = new Request(model, "p" + prompt, repetition, clock.now, first, last);
            clock.now += first + 1;
            clock.made++;
            return request;
        }

        private double noise() {
            return noise * (heavyTails ? random.nextGaussian() / Math.sqrt(chiSquared3() / 3) : random.nextGaussian());
        }

        private double chiSquared3() {
            var sum = 0.0;
            for (int i = 0; i < 3; i++) {
                var normal = random.nextGaussian();
                sum += normal * normal;
            }
            return sum;
        }
    }

    /** Returns the runs by their sides. */
    Map<String, List<GivenRun>> bySide(List<GivenRun> drawn) {
        var bySide = new LinkedHashMap<String, List<GivenRun>>();
        drawn.forEach(run -> bySide.computeIfAbsent(run.title().substring(0, 1), absent -> new ArrayList<>()).add(run));
        return bySide;
    }
}
