// Starts Swagger UI; what it shows and loads is ours.

const token = document.querySelector('meta[name="csrf-token"]')?.content;
const place = document.querySelector("#swagger");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (token && new URL(request.url, location.href).origin === location.origin) request.headers["X-CSRF-Token"] = token;
    return request;
  },
});
