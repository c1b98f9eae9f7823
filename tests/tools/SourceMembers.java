package stream.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import javax.tools.ToolProvider;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;

/**
 * In which lines the members of the project's types are, so that a place in the code is named as TYPE.MEMBER, whatever file it is
 * in.
 */
public final class SourceMembers {

    /**
     * Lines of a file.
     *
     * @param first from 0
     * @param last  including this one
     */
    record Lines(Path file, int first, int last) {}

    private final Path project;
    private final Map<String, List<Lines>> members = new TreeMap<>();

    /** Reads the commands and all parts of the project in this folder. */
    public SourceMembers(Path project) throws IOException {
        this.project = project;
        var files = new ArrayList<Path>();
        try (var commands = Files.list(project); var parts = Files.walk(project.resolve("src"))) {
            commands.filter(SourceMembers::isJava).forEach(files::add);
            parts.filter(SourceMembers::isJava).forEach(files::add);
        }
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(null, manager, null, List.of(), null,
                    manager.getJavaFileObjectsFromPaths(files));
            var positions = Trees.instance(task).getSourcePositions();
            for (var unit : task.parse()) {
                new Members(unit, positions).scan(unit, null);
            }
        }
    }

    private static boolean isJava(Path path) {
        return path.toString().endsWith(".java");
    }

    /**
     * Returns where a place is: all methods of a name, the constructors under the name of their type, a field, or the whole of a
     * file that is not Java code. Empty if there is no such place.
     */
    List<Lines> at(String place) throws IOException {
        var file = project.resolve(place);
        return Files.isRegularFile(file)
                ? List.of(new Lines(file, 0, Files.readAllLines(file).size() - 1)) : members.getOrDefault(place, List.of());
    }

    private final class Members extends TreePathScanner<Void, Void> {

        private final CompilationUnitTree unit;
        private final SourcePositions positions;

        Members(CompilationUnitTree unit, SourcePositions positions) {
            this.unit = unit;
            this.positions = positions;
        }

        @Override
        public Void visitMethod(MethodTree method, Void nothing) {
            add(method, method.getReturnType() == null ? null : method.getName().toString());
            return super.visitMethod(method, nothing);
        }

        @Override
        public Void visitVariable(VariableTree variable, Void nothing) {
            add(variable, variable.getName().toString());
            return super.visitVariable(variable, nothing);
        }

        /** Without a name it is a constructor. */
        private void add(Tree member, String name) {
            if (getCurrentPath().getParentPath().getLeaf() instanceof ClassTree type) {
                var place = type.getSimpleName() + "." + (name == null ? type.getSimpleName() : name);
                members.computeIfAbsent(place, absent -> new ArrayList<>()).add(
                        new Lines(Path.of(unit.getSourceFile().getName()), line(positions.getStartPosition(unit, member)),
                                line(positions.getEndPosition(unit, member))));
            }
        }

        private int line(long position) {
            return (int) unit.getLineMap().getLineNumber(position) - 1;
        }
    }
}
