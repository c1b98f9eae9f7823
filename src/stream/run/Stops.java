//JAVA 25+

package stream.run;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Which requests are not sent any more: all, those of a model that the user has stopped, or those that a server wants later. Safe
 * for use by several threads.
 */
final class Stops {

    private static final long LOOK_MILLIS = 50;

    private final CountDownLatch all = new CountDownLatch(1);
    private final Set<String> stoppedModels = ConcurrentHashMap.newKeySet();
    private final Set<String> postponedModels = ConcurrentHashMap.newKeySet(); // their other requests are left to --resume

    void stopAll() {
        all.countDown();
    }

    void stop(String model) {
        stoppedModels.add(model);
    }

    /** Leaves the other requests of a model to a later run; returns whether that is new. */
    boolean postpone(String model) {
        return postponedModels.add(model);
    }

    /** Another question may be asked after the time that a server wanted. */
    void forgetPostponed() {
        postponedModels.clear();
    }

    boolean areAllStopped() {
        return all.getCount() == 0;
    }

    /** Whether what is in flight to the model is to be ended, too. */
    boolean isStopped(String model) {
        return areAllStopped() || stoppedModels.contains(model);
    }

    /** Whether no further request is sent to the model. */
    boolean isLeftOut(String model) {
        return isStopped(model) || postponedModels.contains(model);
    }

    /** Waits; returns early, with true, if all are stopped. */
    boolean areStoppedWithin(long millis) {
        try {
            return all.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return true;
        }
    }

    /** Waits; returns early, with true, if no further request is to be sent to the model. */
    boolean isLeftOutWithin(String model, long millis) {
        var deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left; (left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())) > 0; ) {
            if (isLeftOut(model) || areStoppedWithin(Math.min(left, LOOK_MILLIS))) {
                return true;
            }
        }
        return isLeftOut(model);
    }
}
