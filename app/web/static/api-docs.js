// Starts Swagger UI; what it shows and loads is ours.

const place = document.querySelector("#swagger");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
