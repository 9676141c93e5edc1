// java MenuTest.java, while `arirecord replay menu.parquet --speed max --pace client` and the app run.
// In JUnit the two methods are tests: put @Test before them, and leave main out.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

class MenuTest {
    static final String BASE = System.getenv().getOrDefault("ARI_BASE_URL", "http://127.0.0.1:8088");

    static String ask(String verb, String json) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(BASE + "/control/" + verb))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json))
                .build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new AssertionError(response.body());
        }
        return response.body();
    }

    void aCallerHearsTheMenu() throws Exception {
        var answered = ask("expect", "{\"request\": \"POST /channels/*/answer\", \"timeout\": 30}");
        if (!answered.contains("\"status\":204")) {
            throw new AssertionError(answered);
        }
    }

    void theAppSendsTheRecordedRequests() throws Exception {
        ask("verify", "{\"timeout\": 60}");
    }

    public static void main(String[] arguments) throws Exception {
        new MenuTest().aCallerHearsTheMenu();
        new MenuTest().theAppSendsTheRecordedRequests();
        System.out.println("2 tests passed");
    }
}
